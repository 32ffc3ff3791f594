"""What a test learns from its handle."""

from __future__ import annotations

from plugin_project import Project


def test_the_handle_tells_what_was_sent_and_answered(project: Project) -> None:
    """The same while recording and on replay, but for `played` and `mode`."""
    project.test(
        """
        import anthropic

        SCHEMA = {"type": "object", "properties": {}}
        TOOL = {"name": "weather", "description": "weather", "input_schema": SCHEMA}

        def test_one(claude_replay, request):
            assert claude_replay.text == ""
            assert claude_replay.messages == []
            first = ask("one")
            with make_client() as client, client.messages.stream(
                model="claude-sonnet-5",
                max_tokens=200,
                tools=[TOOL],
                messages=[{"role": "user", "content": 'two [tool weather {"city": "Oslo"}]'}],
            ) as stream:
                second = stream.get_final_message()

            assert [sent.json["max_tokens"] for sent in claude_replay.sent] == [100, 200]
            assert all(type(message) is anthropic.types.Message for message in claude_replay.messages)
            assert [message.id for message in claude_replay.messages][1] == second.id
            assert claude_replay.messages[0].content[0].text == first
            texts = [block.text for block in second.content if block.type == "text"]
            assert claude_replay.text == "".join(texts)
            calls = [(call.name, call.input) for call in claude_replay.tool_calls]
            assert calls == [("weather", {"city": "Oslo"})]
            assert claude_replay.usage.output_tokens == sum(
                message.usage.output_tokens for message in claude_replay.messages
            )
            assert claude_replay.cost_usd > 0
            assert claude_replay.path == request.config.rootpath / "cassettes" / "test_it" / "test_one.yaml"
            assert claude_replay.misses == []
            recording = claude_replay.mode == "once"
            assert len(claude_replay.played) == (0 if recording else 2)
            assert f"sent=2 played={len(claude_replay.played)}" in repr(claude_replay)
        """
    )

    project.record().assert_outcomes(passed=1)
    project.run().assert_outcomes(passed=1)


def test_a_test_may_expect_a_miss(project: Project) -> None:
    """A miss that is taken out of `misses` neither fails the test nor counts in the summary."""
    project.test(
        """
        from claude_replay import CassetteMiss

        def test_one(claude_replay):
            with pytest.raises(CassetteMiss) as caught:
                ask("never recorded")
            assert caught.value.reason == "no_cassette"
            claude_replay.misses.remove(caught.value)

        def test_all(claude_replay):
            for prompt in ("one", "two"):
                with pytest.raises(CassetteMiss):
                    ask(prompt)
            assert len(claude_replay.misses) == 2
            claude_replay.misses.clear()
        """
    )

    result = project.run()

    result.assert_outcomes(passed=2)
    result.stdout.no_fnmatch_line("*missed*")


def test_what_was_sent_is_not_what_was_recorded(project: Project) -> None:
    """`sent` is of this run, `played` of the recording; they differ in what the comparison leaves out."""
    project.test(
        """
        import os

        @pytest.mark.claude_replay(ignore=["temperature"])
        def test_one(claude_replay):
            ask("one", extra_body={"temperature": float(os.environ["T"])})
            assert claude_replay.sent[0].json["temperature"] == float(os.environ["T"])
            for exchange in claude_replay.played:
                assert exchange.request.json["temperature"] == 1.0
        """
    )
    with project.environment(T="1.0"):
        project.record().assert_outcomes(passed=1)
    with project.environment(T="0.5"):
        project.run().assert_outcomes(passed=1)


def test_nothing_secret_is_in_what_was_sent(project: Project) -> None:
    """The handle shows requests as they are stored."""
    project.test(
        """
        import os

        def test_one(claude_replay):
            ask("the key is " + os.environ["ANTHROPIC_API_KEY"])
            assert os.environ["ANTHROPIC_API_KEY"] not in repr(claude_replay.sent)
        """
    )

    project.record().assert_outcomes(passed=1)


def test_a_test_can_insist_that_everything_was_played(project: Project) -> None:
    """Also in the middle, and where a cassette is shared, which nobody checks at the end."""
    project.test(
        """
        @pytest.mark.claude_replay(cassette="shared.yaml")
        def test_one(claude_replay):
            ask("one")
            if claude_replay.mode == "none":
                with pytest.raises(AssertionError) as error:
                    claude_replay.assert_all_played()
                assert "1 of 2 recorded exchanges were not asked for: number 2 (messages)" in str(error.value)
            ask("two")
            claude_replay.assert_all_played()
        """
    )

    project.record().assert_outcomes(passed=1)
    project.run().assert_outcomes(passed=1)
