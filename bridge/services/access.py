"""Who is calling, and which instance a token opens."""

from __future__ import annotations

from dataclasses import dataclass, field

from bridge.errors import ForbiddenError, UnauthorizedError
from bridge.services.context import Context
from bridge.services.times import write_time
from bridge.store import callers, instances, organizations
from bridge.store.instances import Instance
from bridge.store.organizations import User
from bridge.types import JSON

REFUSED = "Invalid Organization or User secret, or invalid Element token provided."


@dataclass(frozen=True, slots=True)
class Secrets:
    """The parts of an `Authorization` header; a missing part is None."""

    user: str | None = field(default=None, repr=False)
    organization: str | None = field(default=None, repr=False)
    element: str | None = field(default=None, repr=False)
    bearer: str | None = field(default=None, repr=False)

    def names_user(self) -> bool:
        """Tell whether they say who calls, rightly or not."""
        return bool((self.user and self.organization) or self.bearer)


def identify(ctx: Context, secrets: Secrets) -> User:
    """Return the user behind User + Organization, or behind a bearer token.

    Raises:
        UnauthorizedError: a part is missing, unknown, or the two do not belong
            together. The message is `REFUSED`.
    """
    user: User | None = None
    if secrets.user and secrets.organization:
        user = organizations.find_user(
            ctx.database,
            user_secret=secrets.user,
            organization_secret=secrets.organization,
        )
    elif secrets.bearer:
        user = organizations.find_session(ctx.database, secrets.bearer)
    if user is None:
        raise UnauthorizedError(REFUSED)
    return user


def open_instance(ctx: Context, secrets: Secrets) -> tuple[User, Instance]:
    """Return user and instance behind User + Element (+ Organization).

    A disabled instance is returned; see `require_enabled`.

    Raises:
        UnauthorizedError: a part is missing or unknown, a given Organization does
            not match, or the instance is neither the user's nor its account's.
    """
    user: User | None = None
    instance: Instance | None = None
    if not secrets.element:
        raise UnauthorizedError(REFUSED)
    if secrets.user:
        user, instance = callers.find_caller(
            ctx.database,
            user_secret=secrets.user,
            organization_secret=secrets.organization,
            token=secrets.element,
        )
    elif secrets.bearer:
        user = organizations.find_session(ctx.database, secrets.bearer)
        instance = instances.find_by_token(ctx.database, secrets.element)
    if user is None or instance is None or not may_use(instance, user):
        raise UnauthorizedError(REFUSED)
    return user, instance


def may_use(instance: Instance, user: User) -> bool:
    """Tell whether a user who has the token of an instance may use it.

    It may if the instance is its own or another user's of its account.
    """
    return instance.user_id == user.id or instance.account_id == user.account_id


def is_visible(instance: Instance, user: User) -> bool:
    """Tell whether a user finds an instance by its id, and so its token.

    It does if the instance is its own; an admin finds those of its account.
    Source: elements-api, Appendix E, 2.2.
    """
    if instance.user_id == user.id:
        return True
    return user.admin and instance.account_id == user.account_id


def require_enabled(instance: Instance) -> None:
    """Refuse a disabled instance.

    Raises:
        ForbiddenError: the instance is disabled.
    """
    if instance.disabled:
        raise ForbiddenError(
            f"The element instance {instance.id} is disabled; enable it with "
            f"PUT /instances/{instance.id}/enabled."
        )


def log_in(ctx: Context, username: str, password: str) -> dict[str, JSON]:
    """Return the authenticated-user document of elements-api 1.4, with a token.

    Attempts are throttled by user name.

    Raises:
        UnauthorizedError: unknown user name or wrong password.
    """
    session = organizations.log_in(
        ctx.database,
        email=username,
        password=password,
        lifetime_s=ctx.settings.session_ttl_s,
    )
    if session is None:
        raise UnauthorizedError(
            "Invalid username or password. After five wrong ones within a minute a "
            "user name is closed for the rest of it."
        )
    user, token = session
    return {
        "token": token,
        "id": user.id,
        "username": user.email,
        "firstName": user.first_name,
        "lastName": user.last_name,
        "accountId": user.account_id,
        "accountName": user.account_name,
        "organizationId": user.organization_id,
        "organizationName": user.organization_name,
        "organizationAdmin": user.admin,
        "accountAdmin": user.admin,
        "sysAdmin": False,
        "twoFactor": False,
        "registeredForTwoFactor": False,
        "createdDate": write_time(user.created_at),
        "lastLoginDate": write_time(user.last_login_at or ctx.clock()),
        "roles": [],
    }


def read_secrets(ctx: Context, bearer: str | None) -> dict[str, JSON]:
    """Return `userSecret` and `organizationSecret` of a logged-in user.

    Raises:
        UnauthorizedError: the token is missing, unknown or expired.
    """
    user = organizations.find_session(ctx.database, bearer) if bearer else None
    if user is None:
        raise UnauthorizedError(REFUSED)
    user_secret, organization_secret = organizations.read_secrets(ctx.database, user)
    return {"userSecret": user_secret, "organizationSecret": organization_secret}
