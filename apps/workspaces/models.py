"""People and the walls between them: users, workspaces, roles, keys and the audit log."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from apps.core.ids import uuid7


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **extra: Any) -> User:
        """A user who signs in with this address; without a password they cannot sign in yet."""
        user = self.model(email=self.normalize_email(email).lower(), **extra)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **extra: Any) -> User:
        return self.create_user(email, password, is_superuser=True, **extra)


class User(AbstractBaseUser, PermissionsMixin):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120, blank=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)

    USERNAME_FIELD = "email"
    objects: ClassVar[UserManager] = UserManager()

    def __str__(self) -> str:
        return self.name or self.email


class Role(models.TextChoices):
    OWNER = "owner", "Owner"
    EDITOR = "editor", "Editor"
    VIEWER = "viewer", "Viewer"


ROLE_RANK = {Role.VIEWER: 0, Role.EDITOR: 1, Role.OWNER: 2}


class ConversationAccess(models.TextChoices):
    """What editors and owners may see of what other people ask."""

    OFF = "off", "Nothing"
    UNNAMED = "without_names", "Questions and answers, without names"
    NAMED = "with_names", "Questions and answers, with names"


class Workspace(models.Model):
    """The tenant. Everything that a team owns hangs on one of these and goes with it.

    Links in answers to `link_hosts` and the hosts below them open at once; before all others, a
    page says where they lead.
    How people sign in: `signin/policy.py`. `group_roles` maps a provider's groups to roles.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=60, unique=True)
    is_demo = models.BooleanField(default=False)
    conversation_access = models.CharField(
        max_length=16, choices=ConversationAccess.choices, default=ConversationAccess.OFF
    )
    link_hosts = ArrayField(models.CharField(max_length=253), default=list, blank=True)
    sign_in_provider = models.CharField(max_length=40, blank=True)
    requires_provider = models.BooleanField(default=False)
    requires_second_factor = models.BooleanField(default=False)
    group_roles = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name


class WorkspaceModel(models.Model):
    """A row that belongs to one workspace."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")

    class Meta:
        abstract = True


class Membership(WorkspaceModel):
    """A person in a workspace. `from_provider`: who came by a group, and leaves with it."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices)
    from_provider = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    steps_dismissed_at = models.DateTimeField(null=True, blank=True)
    """When this person put the first steps away."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "workspace"], name="membership_once")
        ]

    def __str__(self) -> str:
        return f"{self.user} ({self.role})"

    def has_role(self, role: Role) -> bool:
        """Whether this member may do what `role` may."""
        return ROLE_RANK[Role(self.role)] >= ROLE_RANK[role]


class Invitation(WorkspaceModel):
    """An offer of membership to one address. Only a hash of the link's token is kept."""

    email = models.EmailField()
    role = models.CharField(max_length=10, choices=Role.choices)
    token_hash = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.email} ({self.role})"


class Scope(models.TextChoices):
    READ = "read", "Read documents, searches and traces"
    WRITE = "write", "Add, change and delete"
    CHAT = "chat", "Ask assistants and give feedback"
    ADMIN = "admin", "Manage model endpoints, keys and sign-in; read members and the audit log"


ALL_SCOPES = [scope.value for scope in Scope]
ROLE_SCOPES: dict[str, frozenset[str]] = {
    Role.VIEWER: frozenset({Scope.READ, Scope.CHAT}),
    Role.EDITOR: frozenset({Scope.READ, Scope.CHAT, Scope.WRITE}),
    Role.OWNER: frozenset(ALL_SCOPES),
}
"""What the keys of a member may do at most."""


class ApiKey(WorkspaceModel):
    """A program's credential. The key itself is shown once; a hash of it is kept.

    It works while its owner is a member, and does no more than its owner's role may. A key that
    another key made (`made_with`) goes with that one.
    """

    name = models.CharField(max_length=120)
    prefix = models.CharField(max_length=12)
    key_hash = models.CharField(max_length=64, unique=True)
    scopes = ArrayField(models.CharField(max_length=12, choices=Scope.choices))
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    owner = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    made_with = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def state(self) -> str:
        """`active`, `revoked` or `expired`."""
        if self.revoked_at is not None:
            return "revoked"
        is_over = self.expires_at is not None and self.expires_at <= timezone.now()
        return "expired" if is_over else "active"


class AuditEvent(WorkspaceModel):
    """Who did what to what, and when. Written, never changed."""

    actor = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    api_key = models.ForeignKey(ApiKey, on_delete=models.SET_NULL, null=True, related_name="+")
    action = models.CharField(max_length=60)
    subject_type = models.CharField(max_length=40)
    subject_id = models.CharField(max_length=60)
    detail = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["workspace", "-created_at"], name="audit_recent")]

    def __str__(self) -> str:
        return f"{self.action} {self.subject_type} {self.subject_id}"
