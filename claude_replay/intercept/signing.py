"""
Clients that sign in with a cloud, or with a profile, while nothing is sent.

They would look for credentials on this machine, at metadata servers and at token services before each request,
and give up without them. Patched are what the SDK's clients (anthropic 0.49 to 2.12) and botocore call between
making a request and sending it; where a version has no such name, its clients need what they always need.

    _prepare_request                    Bedrock (both clients), AWS, Vertex, Google Cloud: signs, or adds a token
    _get_azure_ad_token                 Foundry: asks the application for a token
    _GoogleCredentialsState.token       Google Cloud: looks for a project among the credentials of the machine
    AccessTokenAuth, CredentialsFile    profiles and identity federation
    RequestSigner.sign, create_client   boto3
"""

from __future__ import annotations

import inspect
import os
from collections.abc import AsyncIterator, Callable, Iterator
from functools import wraps
from pathlib import Path
from types import ModuleType
from typing import Any

from claude_replay.api import identify
from claude_replay.intercept.credentials import PLACE, REGION
from claude_replay.intercept.imports import LastingPatches, Patches
from claude_replay.intercept.scope import current_session
from claude_replay.redact.placeholder import PLACEHOLDER_KEY

__all__ = ["SIGNING"]

_CLIENTS = {
    "anthropic.lib.aws._client": "AnthropicAWS",
    "anthropic.lib.bedrock._client": "AnthropicBedrock",
    "anthropic.lib.bedrock._mantle": "AnthropicBedrockMantle",
    "anthropic.lib.google_cloud._client": "AnthropicGoogleCloud",
    "anthropic.lib.vertex._client": "AnthropicVertex",
}
_BEDROCK = "bedrock-runtime"
_AWS_VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_BEARER_TOKEN_BEDROCK")
_AWS_FILES = (("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"), ("AWS_CONFIG_FILE", "~/.aws/config"))


def _patch_client(module: ModuleType, patches: Patches) -> None:
    name = _CLIENTS[module.__name__]
    for kind in (name, f"Async{name}"):
        patches.replace(getattr(module, kind, None), "_prepare_request", _leave_out)
    patches.replace(getattr(module, "_GoogleCredentialsState", None), "token", _know_project)


def _patch_foundry(module: ModuleType, patches: Patches) -> None:
    for kind in ("AnthropicFoundry", "AsyncAnthropicFoundry"):
        patches.replace(getattr(module, kind, None), "_get_azure_ad_token", _know_token)


def _patch_tokens(module: ModuleType, patches: Patches) -> None:
    auth = getattr(module, "AccessTokenAuth", None)
    patches.replace(auth, "sync_auth_flow", _pass_on)
    patches.replace(auth, "async_auth_flow", _pass_on_async)


def _patch_profiles(module: ModuleType, patches: Patches) -> None:
    profile = getattr(module, "CredentialsFile", None)
    patches.replace(profile, "extra_headers", _do_without_headers)
    patches.replace(profile, "resolved_base_url", _do_without_url)


def _patch_sessions(module: ModuleType, patches: Patches) -> None:
    patches.replace(module.Session, "create_client", _hand_keys)


def _patch_signers(module: ModuleType, patches: Patches) -> None:
    patches.replace(module.RequestSigner, "sign", _leave_unsigned)


def _sends_nothing() -> bool:
    session = current_session()
    return session is not None and not session.may_send


def _leave_out(original: Callable[..., Any]) -> Callable[..., Any]:
    """The method, doing nothing while nothing is sent."""
    if inspect.iscoroutinefunction(original):

        @wraps(original)
        async def prepare_async(*args: Any, **options: Any) -> Any:
            return None if _sends_nothing() else await original(*args, **options)

        return prepare_async

    @wraps(original)
    def prepare(*args: Any, **options: Any) -> Any:
        return None if _sends_nothing() else original(*args, **options)

    return prepare


def _know_project(original: Callable[..., str]) -> Callable[..., str]:
    @wraps(original)
    def token(state: Any) -> str:
        if not _sends_nothing():
            return original(state)
        if state.credentials is None:
            state.adc_project = PLACE
        return PLACEHOLDER_KEY

    return token


def _know_token(original: Callable[..., Any]) -> Callable[..., Any]:
    if inspect.iscoroutinefunction(original):

        @wraps(original)
        async def get_token_async(client: Any) -> Any:
            return PLACEHOLDER_KEY if _sends_nothing() else await original(client)

        return get_token_async

    @wraps(original)
    def get_token(client: Any) -> Any:
        return PLACEHOLDER_KEY if _sends_nothing() else original(client)

    return get_token


def _pass_on(original: Callable[..., Any]) -> Callable[..., Any]:
    def leave(request: Any) -> Iterator[Any]:
        yield request

    @wraps(original)
    def sync_auth_flow(auth: Any, request: Any) -> Any:
        return leave(request) if _sends_nothing() else original(auth, request)

    return sync_auth_flow


def _pass_on_async(original: Callable[..., Any]) -> Callable[..., Any]:
    async def leave(request: Any) -> AsyncIterator[Any]:
        yield request

    @wraps(original)
    def async_auth_flow(auth: Any, request: Any) -> Any:
        return leave(request) if _sends_nothing() else original(auth, request)

    return async_auth_flow


def _do_without_headers(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def extra_headers(profile: Any) -> Any:
        return {} if _sends_nothing() and not profile.config_path.exists() else original(profile)

    return extra_headers


def _do_without_url(original: Any) -> Any:
    def resolved_base_url(profile: Any) -> Any:
        return None if _sends_nothing() and not profile.config_path.exists() else original.fget(profile)

    return property(resolved_base_url)


def _hand_keys(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def create_client(session: Any, service_name: str, *args: Any, **options: Any) -> Any:
        if service_name != _BEDROCK or not _sends_nothing():
            return original(session, service_name, *args, **options)
        # The region is the first of them.
        if not (args or options.get("region_name") or session.get_config_variable("region")):
            options = {**options, "region_name": REGION}
        # Given keys, botocore does not look for others: it would ask the metadata server of the machine.
        if len(args) < 6 and not options.get("aws_access_key_id") and not _has_aws_credentials():
            keys = dict.fromkeys(("aws_access_key_id", "aws_secret_access_key"), PLACEHOLDER_KEY)
            options = {**options, **keys}
        return original(session, service_name, *args, **options)

    return create_client


def _has_aws_credentials() -> bool:
    """Whether there is anything on this machine that boto3 would take without asking another."""
    if any(os.environ.get(name) for name in _AWS_VARIABLES):
        return True
    return any(Path(os.environ.get(name, default)).expanduser().exists() for name, default in _AWS_FILES)


def _leave_unsigned(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def sign(signer: Any, operation_name: str, request: Any, *args: Any, **options: Any) -> Any:
        if _sends_nothing() and identify(request.method or "", request.url, request.headers) is not None:
            return None
        return original(signer, operation_name, request, *args, **options)

    return sign


SIGNING = LastingPatches(
    {
        **dict.fromkeys(_CLIENTS, _patch_client),
        "anthropic.lib.foundry": _patch_foundry,
        "anthropic.lib.credentials._auth": _patch_tokens,
        "anthropic.lib.credentials._providers": _patch_profiles,
        "botocore.session": _patch_sessions,
        "botocore.signers": _patch_signers,
    }
)
"""Lets clients of clouds make requests without credentials as long as nothing can be sent."""
