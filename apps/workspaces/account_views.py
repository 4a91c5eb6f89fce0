"""Pages outside of any workspace: set-up, sign-in, passwords, invitations, a new workspace."""

from __future__ import annotations

from typing import Any, cast

from allauth.account.internal.flows.login import perform_password_login
from allauth.account.internal.flows.reauthentication import raise_if_reauthentication_required
from allauth.account.models import Login
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import authenticate, login, update_session_auth_hash
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import PasswordChangeForm, SetPasswordForm
from django.contrib.auth.views import PasswordResetConfirmView
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse, reverse_lazy
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from apps.core.jobs import enqueue
from apps.core.models import JobKind
from apps.workspaces.forms import (
    JoinForm,
    JoinWithPasswordForm,
    LoginForm,
    SetupForm,
    WorkspaceForm,
)
from apps.workspaces.models import Invitation, User, Workspace
from apps.workspaces.services import (
    InvitationError,
    accept_invitation,
    create_first_owner,
    create_user,
    create_workspace,
    find_invitation,
)
from apps.workspaces.signin.providers import list_providers
from apps.workspaces.signin.selectors import has_second_factor
from apps.workspaces.signin.throttle import count_attempt, forgive, wait_text

WRONG = "This address and password do not belong together. Check both and try again."


@login_not_required
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def setup(request: HttpRequest) -> HttpResponse:
    """The first account. Once it exists, the page leads to the sign-in."""
    if User.objects.exists():
        return redirect("login")
    form = SetupForm(request.POST or None)
    if not form.is_valid():
        return _render_form(request, "workspaces/accounts/setup.html", form)
    with transaction.atomic():
        values = form.cleaned_data
        user = create_first_owner(
            values["email"],
            name=values["name"],
            password=values["password"],
            workspace_name=values["workspace_name"],
        )
        if user is None:
            return redirect("login")
        workspace = Workspace.objects.get(memberships__user=user)
        if values["include_demo"]:
            demo = create_workspace("Demo", owner=user, is_demo=True)
            enqueue(JobKind.SEED_DEMO, workspace_id=demo.pk, key=str(demo.pk), payload={})
    _sign_in(request, user)
    return redirect("workspaces:home", slug=workspace.slug)


@login_not_required
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Sign in. The page does not reveal whether the address or the password was wrong."""
    target = _safe_target(request)
    if request.user.is_authenticated:
        return redirect(target)
    form = LoginForm(request.POST or None)
    context = {
        "next": request.POST.get("next") or request.GET.get("next", ""),
        "providers": list_providers(),
    }
    if not form.is_valid():
        return _render_form(request, "workspaces/accounts/login.html", form, **context)
    email = form.cleaned_data["email"]
    if limited := count_attempt(request, email=email):
        form.add_error(None, wait_text(limited))
        waiting = render(
            request, "workspaces/accounts/login.html", {"form": form, **context}, status=429
        )
        waiting["Retry-After"] = str(limited.retry_after_s)
        return waiting
    user = authenticate(request, username=email.lower(), password=form.cleaned_data["password"])
    if user is None:
        form.add_error(None, WRONG)
        return _render_form(request, "workspaces/accounts/login.html", form, **context)
    response: HttpResponse = perform_password_login(
        request, {"email": user.email}, Login(user=user, redirect_url=target)
    )
    forgive(request, response, email=email)
    return response


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def change_password(request: HttpRequest) -> HttpResponse:
    """A new password ends every other session of the account.

    Who has none yet, because they came through a provider, shows that by a fresh sign-in there.
    """
    user = cast(User, request.user)
    if user.has_usable_password():
        form: SetPasswordForm[User] = PasswordChangeForm(user, request.POST or None)
    else:
        raise_if_reauthentication_required(request, app="allauth.account")
        form = SetPasswordForm(user, request.POST or None)
    if not form.is_valid():
        return _render_form(request, "workspaces/accounts/password.html", form)
    form.save()
    update_session_auth_hash(request, user)
    messages.success(request, "Your password was changed. Other devices were signed out.")
    return redirect("home")


class SetPasswordView(PasswordResetConfirmView):
    """The link of an account that somebody made from the command line. It works once."""

    template_name = "workspaces/accounts/set_password.html"
    success_url = reverse_lazy("home")
    post_reset_login = True

    def form_valid(self, form: SetPasswordForm[Any]) -> HttpResponse:
        """A link is one factor: who has a second one signs in with it."""
        self.post_reset_login = not has_second_factor(cast(User, form.user))
        return super().form_valid(form)

    def form_invalid(self, form: SetPasswordForm[Any]) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=422)


@login_not_required
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def accept(request: HttpRequest, token: str) -> HttpResponse:
    """Join by a link: as the signed-in user, with a new account, or with an existing one.

    The link is for one address, so nobody else's account can use it.
    """
    try:
        invitation = find_invitation(token)
    except InvitationError:
        return render(request, "workspaces/accounts/invite_accept.html", status=404)
    if request.user.is_authenticated:
        return _join_signed_in(request, invitation, token)
    account = User.objects.filter(email=invitation.email).first()
    if account is None:
        return _join_as_new(request, invitation, token)
    return _join_with_password(request, invitation, token)


def _join_signed_in(request: HttpRequest, invitation: Invitation, token: str) -> HttpResponse:
    user = cast(User, request.user)
    is_same = user.email == invitation.email
    if request.method == "POST" and is_same:
        return _finish_join(request, token, user)
    context = {"invitation": invitation, "wrong_user": not is_same, "form": None}
    status = 200 if request.method == "GET" else 403
    return render(request, "workspaces/accounts/invite_accept.html", context, status=status)


def _join_as_new(request: HttpRequest, invitation: Invitation, token: str) -> HttpResponse:
    form = JoinForm(request.POST or None, email=invitation.email)
    context = {"invitation": invitation}
    if not form.is_valid():
        return _render_form(request, "workspaces/accounts/invite_accept.html", form, **context)
    try:
        with transaction.atomic():
            user = create_user(
                invitation.email,
                name=form.cleaned_data["name"],
                password=form.cleaned_data["password"],
            )
            workspace = accept_invitation(token, user=user)
    except (InvitationError, IntegrityError):
        # Another request used the link or made the account just now: the page shows what holds.
        return redirect("invite_accept", token=token)
    _sign_in(request, user)
    return redirect("workspaces:home", slug=workspace.slug)


def _join_with_password(request: HttpRequest, invitation: Invitation, token: str) -> HttpResponse:
    form = JoinWithPasswordForm(request.POST or None)
    context = {"invitation": invitation}
    if not form.is_valid():
        return _render_form(request, "workspaces/accounts/invite_accept.html", form, **context)
    if limited := count_attempt(request, email=invitation.email):
        form.add_error(None, wait_text(limited))
        waiting = render(
            request, "workspaces/accounts/invite_accept.html", {"form": form, **context}, status=429
        )
        waiting["Retry-After"] = str(limited.retry_after_s)
        return waiting
    user = authenticate(request, username=invitation.email, password=form.cleaned_data["password"])
    if user is None:
        form.add_error("password", "This is not the password of this account.")
        return _render_form(request, "workspaces/accounts/invite_accept.html", form, **context)
    if has_second_factor(user):  # they join as they come back to the link, signed in
        here = reverse("invite_accept", args=[token])
        response: HttpResponse = perform_password_login(
            request, {"email": user.email}, Login(user=user, redirect_url=here)
        )
    else:
        login(request, user)
        response = _finish_join(request, token, user)
    forgive(request, response, email=invitation.email)
    return response


def _finish_join(request: HttpRequest, token: str, user: User) -> HttpResponse:
    try:
        workspace = accept_invitation(token, user=user)
    except InvitationError:
        return render(request, "workspaces/accounts/invite_accept.html", status=404)
    messages.success(request, f"You are now a member of {workspace.name}.")
    return redirect("workspaces:home", slug=workspace.slug)


@require_http_methods(["GET", "POST"])
def create_another_workspace(request: HttpRequest) -> HttpResponse:
    """A further workspace, owned by whoever makes it."""
    form = WorkspaceForm(request.POST or None)
    if not form.is_valid():
        return _render_form(request, "workspaces/accounts/workspace_create.html", form)
    workspace = create_workspace(form.cleaned_data["name"], owner=cast(User, request.user))
    return redirect("workspaces:home", slug=workspace.slug)


def _render_form(
    request: HttpRequest, template: str, form: object, **context: object
) -> HttpResponse:
    """The page, with 422 when what was sent had mistakes."""
    status = 422 if request.method == "POST" else 200
    return render(request, template, {"form": form, **context}, status=status)


def _sign_in(request: HttpRequest, user: User) -> None:
    login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])


def _safe_target(request: HttpRequest) -> str:
    target = request.POST.get("next") or request.GET.get("next") or ""
    is_ours = url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return target if is_ours else reverse("home")
