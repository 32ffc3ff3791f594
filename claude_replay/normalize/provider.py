"""What providers put into a request besides what is asked, and the same question put to another provider."""

from __future__ import annotations

from typing import cast

from claude_replay.api import Place, plain_model

__all__ = ["canonical_betas", "settle_provider"]

_Object = dict[str, object]
# How a client signs in that has a login instead of a key (anthropic 2.12, lib/credentials): a credential.
_SIGN_IN_BETAS = ("oauth-", "oidc-federation-")


def canonical_betas(header: str) -> list[str]:
    """The features an `anthropic-beta` header asks for, as a sorted list without ways to sign in."""
    betas = {beta.strip() for beta in header.split(",")}
    return sorted(beta for beta in betas if beta and not beta.startswith(_SIGN_IN_BETAS))


def settle_provider(form: _Object, body: _Object, place: Place | None, *, any_provider: bool) -> _Object:
    """
    The body with version and betas where the API itself has them; what goes elsewhere, goes into `form`.

    With `any_provider` operation, model and stream as well. Nothing below the top of `body` is changed.
    """
    if place is None and not any_provider:
        return body
    body = dict(body)
    if place is not None:
        # In the body, because these providers drop headers they do not know.
        body.pop("anthropic_version", None)
        betas = body.get("anthropic_beta")
        if isinstance(betas, list) and all(isinstance(beta, str) for beta in betas):
            del body["anthropic_beta"]
            form["betas"] = canonical_betas(",".join([*cast("list[str]", form["betas"]), *betas]))
    if any_provider:
        if place is not None:
            form["operation"] = place.operation
            if place.model is not None:
                body["model"] = place.model
            if place.is_framed:
                body["stream"] = True
        if isinstance(body.get("model"), str):
            body["model"] = plain_model(cast("str", body["model"]))
    return body
