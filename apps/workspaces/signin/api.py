"""REST: how people sign in to the workspace."""

from __future__ import annotations

from dataclasses import asdict, replace

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api import Problem
from apps.workspaces.api import WorkspaceAPIView
from apps.workspaces.models import Role, Scope
from apps.workspaces.signin.policy import LockedOutError, Policy, read_policy, save_policy
from apps.workspaces.signin.providers import list_providers


class PolicySerializer(serializers.Serializer[Policy]):
    """`group_roles` maps groups of the provider to roles; `providers` are those one can choose."""

    provider = serializers.CharField(max_length=40, allow_blank=True)
    requires_provider = serializers.BooleanField()
    requires_second_factor = serializers.BooleanField()
    group_roles = serializers.DictField(child=serializers.ChoiceField(choices=Role.choices))
    providers = serializers.SerializerMethodField()

    def get_providers(self, policy: Policy) -> list[str]:
        return [row.id for row in list_providers()]


class SignInView(WorkspaceAPIView):
    scopes = {"GET": Scope.ADMIN, "PATCH": Scope.ADMIN}

    @extend_schema(operation_id="sign_in_read", responses=PolicySerializer)
    def get(self, request: Request) -> Response:
        """What the workspace asks of a sign-in. Keys are none: they work whatever it is."""
        return Response(PolicySerializer(read_policy(self.workspace)).data)

    @extend_schema(
        operation_id="sign_in_update",
        request=PolicySerializer(partial=True),
        responses=PolicySerializer,
    )
    def patch(self, request: Request) -> Response:
        """Change what is given. 409 if the key's owner would not get in any more."""
        form = PolicySerializer(data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        before = read_policy(self.workspace)
        policy = replace(before, **{**asdict(before), **form.validated_data})
        try:
            save_policy(self.workspace, policy, actor=self.actor)
        except ValueError as error:
            raise serializers.ValidationError({"provider": [str(error)]}) from error
        except LockedOutError as error:
            raise Problem(409, "locked_out", str(error)) from error
        return Response(PolicySerializer(policy).data)
