"""How differences read."""

from __future__ import annotations

import unicodedata

import pytest

from claude_replay.matching import Change, differences, render

PROMPT = (
    "You are a patient teacher. Explain what prompt caching is in {} sentences, for people who have never "
    "written a program, and give one example from everyday life. Do not use any jargon at all."
)


def lines_of(sent: object, recorded: object) -> list[str]:
    """What is rendered for a body with the one field `text`, below the legend and the path."""
    legend, path, *lines = render(differences({"text": sent}, {"text": recorded})).split("\n")
    assert (legend, path) == ("[-recorded-] {+sent+}", "text")
    assert all(line.startswith("    ") for line in lines)
    return [line[4:] for line in lines]


def ask(text: str, **fields: object) -> dict[str, object]:
    """A body with one user message."""
    return {"messages": [{"role": "user", "content": [{"type": "text", "text": text}]}], **fields}


def test_one_changed_word_is_shown_in_its_neighborhood() -> None:
    """Of a long prompt only the changed word and what stands around it is shown."""
    assert render(differences(ask(PROMPT.format("three")), ask(PROMPT.format("two")))) == (
        "[-recorded-] {+sent+}\n"
        "messages[0].content[0].text\n"
        "    …prompt caching is in [-two-]{+three+} sentences, for people…"
    )


def test_a_changed_tool_result_is_shown_by_its_changed_lines() -> None:
    """Of a text with several lines, only those that differ are shown, with their numbers."""
    output = "$ pytest\ncollected {0} items\n\ntests/test_a.py ..\n{0} passed in {1}s"
    result = {"type": "tool_result", "tool_use_id": "id-1"}
    sent = {"messages": [{"role": "user", "content": [{**result, "content": output.format(12, "0.31")}]}]}
    recorded = {"messages": [{"role": "user", "content": [{**result, "content": output.format(11, "0.29")}]}]}
    assert render(differences(sent, recorded)) == (
        "[-recorded-] {+sent+}\n"
        "messages[0].content[0].content\n"
        "    line 2: collected [-11-]{+12+} items\n"
        "    line 5: [-11-]{+12+} passed in 0.[-29s-]{+31s+}"
    )


def test_values_are_shown_side_by_side() -> None:
    """What is no running text is named with both values; without marks there is no legend."""
    sent = {"model": "claude-opus-5", "max_tokens": 2048, "thinking": None, "choice": {"type": "auto"}}
    recorded = {"model": "claude-sonnet-5", "max_tokens": 1024, "thinking": True, "choice": "auto"}
    assert render(differences(sent, recorded)) == (
        'model: recorded "claude-sonnet-5", sent "claude-opus-5"\n'
        "max_tokens: recorded 1024, sent 2048\n"
        "thinking: recorded true, sent null\n"
        'choice: recorded "auto", sent {"type": "auto"}'
    )


def test_what_only_one_side_has_is_named_with_that_side() -> None:
    """Added and removed values say where they are, and what they are as far as it fits."""
    sent = ask("Hi", temperature=0.7, system=[{"type": "text", "text": "Be nice. " * 100}])
    recorded = ask("Hi", stop=["x"])
    assert render(differences(sent, recorded)) == (
        'stop: only in the recording (["x"])\n'
        "temperature: only in the request sent (0.7)\n"
        'system: only in the request sent ([{"type": "text", "text": "Be nice. Be nice. Be nice. Be nice. …)'
    )


def test_an_extra_message_is_named_by_role_and_text() -> None:
    """Messages are shown without the wrapping of their blocks."""
    recorded = [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]
    sent = [
        *recorded,
        {"role": "assistant", "content": [{"type": "text", "text": 'Hello,\n"you"'}]},
        {"role": "user", "content": "And now?"},
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
    ]
    assert render(differences({"messages": sent}, {"messages": recorded})) == (
        'messages[1]: only in the request sent (assistant: "Hello,\\n\\"you\\"")\n'
        'messages[2]: only in the request sent (user: "And now?")\n'
        'messages[3]: only in the request sent (user: [{"type": "text", "text": "a"}, {"type": "text", "te…)'
    )


def test_white_space_is_visible_where_only_it_differs() -> None:
    """Spaces, tabs and line ends are drawn, and the reader is told that nothing else differs."""
    sent, recorded = ask("Explain  prompt\tcaching\nnow"), ask("Explain prompt caching now")
    assert render(differences(sent, recorded)) == (
        "[-recorded-] {+sent+}\n"
        "messages[0].content[0].text (only white space differs)\n"
        "    Explain {+·+}prompt[-·-]{+→+}caching[-·-]{+⏎+}now"
    )


@pytest.mark.parametrize(
    ("sent", "recorded", "line"),
    [
        ("two sentences.\n", "two sentences.", "two sentences.{+⏎+}"),
        ("data base", "database", "[-database-]{+data·base+}"),
        ("a line\r\nand one", "a line\nand one", "a line{+\\r+}⏎and one"),
        ("a\u00a0line here", "a line here", "a[-·-]{+\\xa0+}line here"),
    ],
)
def test_any_white_space_is_made_visible(sent: str, recorded: str, line: str) -> None:
    """What no terminal shows has a sign or an escape sequence."""
    assert render(differences({"text": sent}, {"text": recorded})) == (
        f"[-recorded-] {{+sent+}}\ntext (only white space differs)\n    {line}"
    )


def test_control_characters_cannot_reach_the_terminal() -> None:
    """Escape sequences, bells, bidirectional marks and lone surrogates are spelled out, in keys too."""
    text = "say \x1b[{}mred\x1b[0m \u202eexe.txt\x07 \ud83d now"
    sent = {"text": text.format(31), "\x9b1m\n": 1, "value": "\x7f"}
    recorded = {"text": text.format(32), "\x9b1m\n": 2, "value": "\x9b"}
    rendered = render(differences(sent, recorded))
    assert rendered == (
        "[-recorded-] {+sent+}\n"
        "text\n"
        "    say \\x1b[[-32mred-]{+31mred+}\\x1b[0m \\u202eexe.txt\\x07 \\ud83d now\n"
        '["\\x9b1m\\n"]: recorded 2, sent 1\n'
        'value: recorded "\\x9b", sent "\\x7f"'
    )
    assert not [
        char for char in rendered if unicodedata.category(char) in ("Cc", "Cf", "Cs") and char != "\n"
    ]


def test_neighboring_changed_words_are_one_change() -> None:
    """White space between changed words does not part them."""
    assert lines_of("Name two big cats, please.", "Name three small cats, please.") == [
        "Name [-three small-]{+two big+} cats, please."
    ]


def test_emoji_and_accents_stay_whole() -> None:
    """A mark does not fall into a character that is made of several."""
    assert lines_of("family 👨‍👩‍👧 and flag 🇩🇪 ok", "family 👨‍👩‍👦 and flag 🇫🇷 ok") == [
        "family [-👨‍👩‍👦-]{+👨‍👩‍👧+} and flag [-🇫🇷-]{+🇩🇪+} ok"
    ]
    assert lines_of("wave 👋🏽 cafe\u0301 end", "wave 👋🏿 cafe end") == [
        "wave [-👋🏿 cafe-]{+👋🏽 cafe\u0301+} end"
    ]


def test_an_invisible_joiner_between_letters_is_spelled_out() -> None:
    """Two words that look the same and are not can be told apart."""
    assert lines_of("foo\u200dbar baz", "foobar baz") == ["[-foobar-]{+foo\\u200dbar+} baz"]


def test_texts_without_spaces_are_marked_by_character() -> None:
    """In Chinese or Japanese each character is a word of its own."""
    text = "请用{}句话解释提示缓存是什么,并举一个日常生活中的例子,不要使用任何术语,谢谢你的帮助。"
    assert lines_of(text.format("三"), text.format("两")) == [
        "请用[-两-]{+三+}句话解释提示缓存是什么,并举一个日常生活中的例子…"
    ]


def test_a_word_longer_than_the_line_is_marked_where_it_differs() -> None:
    """Of a hash or an encoded file only the part that differs is marked."""
    digits = "0123456789abcdef" * 5
    assert lines_of(f"sum {digits}ff", f"sum {digits}ee") == ["…89abcdef0123456789abcdef[-ee-]{+ff+}"]


def test_a_rewritten_text_is_shown_as_a_whole() -> None:
    """Where hardly a word is kept, old and new stand below each other and are cut at the width."""
    sent = "Tell me how whales sleep in the deep ocean without drowning, with three examples and with sources"
    assert lines_of(sent, "Write a haiku about compilers") == [
        "[-Write a haiku about compilers-]",
        "{+Tell me how whales sleep in the deep ocean without drowning, with three examples and with s…+}",
    ]


def test_long_changes_stand_on_lines_of_their_own() -> None:
    """A line is broken between marks, never within one."""
    assert lines_of(
        "Weather: 19 degrees and sunny with a light wind from the south, no rain before Thursday. Take care.",
        "Weather: 3 degrees and snowing heavily, a storm from the north; the trains are late. Take care.",
    ) == [
        "Weather: [-3 degrees and snowing heavily, a storm from the north; the trains are late-]",
        "{+19 degrees and sunny with a light wind from the south, no rain before Thursday+}. Take care.",
    ]


def test_unchanged_text_between_two_changes_is_cut() -> None:
    """Between changes far apart only what stands next to them is shown."""
    text = "{} " + "and so on and on " * 9 + "{}"
    assert lines_of(text.format("one", "two"), text.format("uno", "due")) == [
        "[-uno-]{+one+} and so on and on and…on and so on and on [-due-]{+two+}"
    ]


def test_at_most_three_places_of_a_line_are_shown() -> None:
    """The further places that differ within one line are counted."""
    text = "one {0}, two {0}, and then {0}, so on {0} and {0}."
    assert lines_of(text.format("sun"), text.format("rain")) == [
        "one [-rain-]{+sun+}, two [-rain-]{+sun+}, and then [-rain-]{+sun+}, so on … and 2 more places"
    ]
    long = "{0} " + "and so on " * 9
    assert lines_of((long * 4).format("sun"), (long * 4).format("rain")) == [
        "[-rain-]{+sun+} and so on and so on…on and so on and so on [-rain-]{+sun+}",
        "and so on and so on…on and so on and so on [-rain-]{+sun+} and so on and so on",
        "… and 1 more place",
    ]


def test_added_and_removed_lines_are_shown_with_their_numbers() -> None:
    """Line numbers are those of the request sent; of the recording where they differ or the line is gone."""
    assert lines_of("alpha\nbeta\nnew\n\nomega two", "alpha\nold line\n\nbeta\nomega") == [
        "recorded line 2: [-old line-]",
        "recorded line 3: [-⏎-]",
        "line 3: {+new+}",
        "line 4: {+⏎+}",
        "line 5: omega{+ two+}",
    ]
    assert lines_of("alpha\nbeta\ngamma", "alpha\nbeta") == ["line 3: {+gamma+}"]
    assert lines_of("b\nlast word", "a\nx\nb\nlast") == [
        "recorded line 1: [-a-]",
        "recorded line 2: [-x-]",
        "line 2 (recorded line 4): last{+ word+}",
    ]


@pytest.mark.parametrize(
    ("count", "more"), [(5, []), (6, ["… and 1 more changed line"]), (7, ["… and 2 more changed lines"])]
)
def test_at_most_five_lines_of_a_text_are_shown(count: int, more: list[str]) -> None:
    """The further lines that differ are counted."""
    sent = "\n".join(f"row {number} new" for number in range(count))
    recorded = "\n".join(f"row {number}" for number in range(count))
    shown = [f"line {number + 1}: row {number}{{+ new+}}" for number in range(5)]
    assert lines_of(sent, recorded) == [*shown, *more]


@pytest.mark.parametrize(
    ("count", "more"), [(2, []), (3, ["… and 1 more difference"]), (4, ["… and 2 more differences"])]
)
def test_no_more_changes_than_the_limit_are_shown(count: int, more: list[str]) -> None:
    """What goes beyond the limit is counted."""
    changes = [Change(f"p{number}", "added", number, None) for number in range(count)]
    assert render(changes, limit=2).split("\n") == [
        "p0: only in the request sent (0)",
        "p1: only in the request sent (1)",
        *more,
    ]


def test_lines_keep_to_the_width() -> None:
    """Values, marks, paths and lines are cut or broken at the width that is asked for."""
    sent = ask(PROMPT.format("three"), key="a" * 30, **{"k" * 90: [0] * 90})
    recorded = ask(PROMPT.format("two"), key="b" * 30, **{"k" * 90: {"x": 1}})
    assert render(differences(sent, recorded), width=40) == (
        "[-recorded-] {+sent+}\n"
        "messages[0].content[0].text\n"
        "    …prompt caching is in [-two-]\n"
        "    {+three+} sentences, for people…\n"
        'key: recorded "bbbbbbbbbbbbbbbbb…", sent "aaaaaaaaaaaaaaaaa…"\n'
        "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk…: "
        'recorded {"x": 1}, sent [0, 0, 0, 0, 0, 0, …'
    )


def test_tools_in_another_order_read_as_such() -> None:
    """Where only the order differs, the names are given in both orders."""
    first, second = {"name": "search"}, {"name": "read"}
    assert render(differences({"tools": [first, second]}, {"tools": [second, first]})) == (
        'tools: in another order: recorded ["read", "search"], sent ["search", "read"]'
    )


def test_the_whole_body_can_differ() -> None:
    """A difference without a path is named in words."""
    assert render(differences("one text", "two texts")) == (
        "[-recorded-] {+sent+}\nthe whole body\n    [-two texts-]{+one text+}"
    )


def test_no_differences_read_as_such() -> None:
    """Nothing to show is said, not left empty."""
    assert render([]) == "no differences"


def test_of_huge_differences_only_the_beginning_is_named() -> None:
    """A megabyte that differs all over is not compared word by word; where it begins is said."""
    same = "the same words in both of them " * 1000
    assert lines_of(same + "one two " * 125_000, same + "uno due " * 125_000) == [
        "differs from character 31,001 on (recorded 1,031,000 characters, sent 1,031,000)",
        "…words in both of them",
        "[-uno due uno due uno due uno due uno due uno due uno due uno due uno due uno due uno due uno…-]",
        "{+one two one two one two one two one two one two one two one two one two one two one two one…+}",
    ]


def test_of_huge_differences_between_lines_only_the_beginning_is_named() -> None:
    """Thousands of changed lines are not compared line by line."""
    sent = "".join(f"row {number}\n" for number in range(2000))
    assert lines_of(sent, sent.replace("row", "line"))[0] == (
        "differs from character 1 on (recorded 18,890 characters, sent 16,890)"
    )


def test_a_huge_changed_line_is_named_with_its_number() -> None:
    """One line that differs all over leaves the numbers of the others as they are."""
    lines = lines_of("first\n" + "one two " * 2000, "first\n" + "uno due " * 2000)
    assert lines[0] == "line 2: differs from character 1 on (recorded 16,000 characters, sent 16,000)"
    assert [line[:30] for line in lines[1:]] == [
        "        [-uno due uno due uno ",
        "        {+one two one two one ",
    ]


def test_a_small_change_in_a_megabyte_is_found() -> None:
    """However long the text, a changed word is shown in its neighborhood."""
    text = "all the world is a stage, " * 20_000 + "{} all the men and women" + " merely players" * 30_000
    assert lines_of(text.format("and"), text.format("but")) == [
        "…the world is a stage, [-but-]{+and+} all the men and women…"
    ]
