"""Settings: everything comes from the environment or from DATA_DIR; see README for the table."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from csp.constants import NONE, SELF

from apps.workspaces.signin.oidc import parse_providers
from config.env import (
    data_dir,
    env_bool,
    env_int,
    env_list,
    env_networks,
    env_str,
    load_runtime,
    make_data_dir,
    parse_database_url,
    secret_key,
)
from config.version import VERSION as VERSION

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = data_dir()
make_data_dir(DATA_DIR)
_runtime = load_runtime(DATA_DIR)

DEBUG = env_bool("DEBUG", default=False)
SECRET_KEY = secret_key(DATA_DIR)
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS", default=["*"])
CSRF_TRUSTED_ORIGINS = env_list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "apps.core",
    "apps.workspaces",
    "apps.gateway",
    "apps.traces",
    "apps.documents",
    "apps.prompts",
    "apps.chunking",
    "apps.retrieval",
    "apps.assistants",
    "apps.chat",
    "apps.feedback",
    "apps.datasets",
    "apps.lab",
    "apps.evaluation",
    "apps.guide",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.mfa",
    "django_htmx",
    "template_partials",
    "heroicons",
    "rest_framework",
    "drf_spectacular",
    "csp",
]

MIDDLEWARE = [
    # The only two that are asynchronous. All others run in one thread, without switching back in
    # between, so they stand together, and whatever cannot be asynchronous stands last.
    "apps.core.middleware.RequestIdMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "apps.core.middleware.SlashMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "apps.workspaces.middleware.SetupMiddleware",
]
API_MIDDLEWARE = [
    "apps.core.middleware.RequestIdMiddleware",
]
"""For the OpenAI-compatible API: it has no sessions, cookies or pages, and it is the hot path."""

ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
APPEND_SLASH = True

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.csrf",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "apps.workspaces.context.workspace",
            ],
        },
    }
]

DATABASE_URL = env_str("DATABASE_URL", default=_runtime.database_url if _runtime else "")
REDIS_URL = env_str("REDIS_URL", default=_runtime.redis_url if _runtime else "")

# Limits on codes, and codes that were used, for all processes together.
if REDIS_URL:
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": REDIS_URL,
            "KEY_PREFIX": "cache",
        }
    }

DB_THREADS = env_int("DB_THREADS", default=8)
_database = parse_database_url(DATABASE_URL or "postgresql://plumbline@localhost/plumbline")
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        **_database,
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": True,
        # After a restart of Postgres the pool holds dead connections, so each is tested before use.
        "OPTIONS": {
            **_database["OPTIONS"],
            "pool": {"min_size": 1, "max_size": env_int("DB_POOL", default=24), "timeout": 10},
        },
    }
}

BEHIND_HTTPS = env_bool("BEHIND_HTTPS", default=False)
AUTH_USER_MODEL = "workspaces.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
OIDC_PROVIDERS = parse_providers(env_str("OIDC_PROVIDERS", default="[]"))
ACCOUNT_ADAPTER = "apps.workspaces.signin.adapters.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
# Passwords have pauses of our own. Codes are counted for the account, never for an address alone.
ACCOUNT_RATE_LIMITS = {"login_failed": "5/5m/key", "login": None}
SOCIALACCOUNT_ADAPTER = "apps.workspaces.signin.adapters.ProviderAdapter"
SOCIALACCOUNT_LOGIN_ON_GET = True
SOCIALACCOUNT_EMAIL_AUTHENTICATION = True
SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = True
MFA_ADAPTER = "apps.workspaces.signin.adapters.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Plumbline"
MFA_RATE_LIMITS = {"webauthn_login": None}  # there is no secret to guess
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not BEHIND_HTTPS
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "apps.core.views.csrf_failure"

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BEHIND_HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if BEHIND_HTTPS else 0
if BEHIND_HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "font-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "manifest-src": [SELF],
    },
}

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = Path(env_str("STATIC_ROOT", default=str(DATA_DIR / "static")))
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": DATA_DIR / "blobs"},
    },
    "staticfiles": {"BACKEND": "servestatic.storage.CompressedManifestStaticFilesStorage"},
}

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FILES = 200
FILE_UPLOAD_TEMP_DIR = str(DATA_DIR / "run")
MAX_UPLOAD_BYTES = env_int("MAX_UPLOAD_MB", default=200) * 1024 * 1024
MIN_FREE_BYTES = env_int("MIN_FREE_MB", default=500, minimum=0) * 1_000_000
"""The room on the disk of DATA_DIR below which no files are taken and documents wait."""

# Background work
DOORS = {
    "core.send_jobs": "workers.dispatch.send_jobs",
    "gateway.count_model_uses": "apps.retrieval.indexes.selectors.count_model_uses",
}
"""What answers a door (`apps.core.doors`) that it may not import."""
CELERY_BROKER_URL = REDIS_URL or "memory://"
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 7200,
    "socket_timeout": 10,
    "socket_connect_timeout": 5,
    "retry_on_timeout": True,
}

# Models
MODELS_DIR = Path(env_str("MODELS_DIR", default=str(DATA_DIR / "models")))
EMBEDDER = env_str("EMBEDDER", default="minilm")
"""`minilm`, or `hash`: vectors without meaning, for tests."""
EXACT_SCAN_CHUNKS = env_int("EXACT_SCAN_CHUNKS", default=5_000)
"""Passages up to which a search compares all vectors; beyond, it uses vector indexes."""
VECTOR_BUILD_MB = env_int("VECTOR_BUILD_MB", default=0)
"""Memory for building a vector index; a million passages need 1.7 GB. 0 means a third of the free
memory of this machine if the database runs here, and otherwise what the server allows."""
EMBEDDER_BACKEND = env_str("EMBEDDER_BACKEND", default="auto")
"""`onnxruntime`, `openvino`, or `auto`: the worker uses OpenVINO where the processor suits it."""
EMBEDDER_WORKERS = env_int("EMBEDDER_WORKERS", default=os.cpu_count() or 2)
ALLOW_PRIVATE_ENDPOINTS = env_bool("ALLOW_PRIVATE_ENDPOINTS", default=True)
"""On by default, since model servers mostly run nearby; link-local addresses stay refused."""
FETCH_ALLOWED_HOSTS = env_list("FETCH_ALLOWED_HOSTS", default=[])
"""Hosts on private networks from which documents may be fetched."""

# Limits; of requests, per minute
RATE_LIMIT_KEY = env_int("RATE_LIMIT_KEY", default=6000)
RATE_LIMIT_WORKSPACE = env_int("RATE_LIMIT_WORKSPACE", default=12000)
RATE_LIMIT_REFUSED = env_int("RATE_LIMIT_REFUSED", default=60)
SIGN_IN_TRIES = env_int("SIGN_IN_TRIES", default=5, minimum=1)
"""Wrong passwords for one account from one place, before there are pauses that grow."""
TRUSTED_PROXIES = env_networks("TRUSTED_PROXIES")
"""Networks (CIDR) of proxies before us, whose `X-Forwarded-For` says where a request comes from."""

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["apps.workspaces.api_auth.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["apps.workspaces.api_auth.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [
        "apps.core.rest.parsers.JSONParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_PAGINATION_CLASS": "apps.core.api.Pagination",
    "PAGE_SIZE": 50,
    "DEFAULT_SCHEMA_CLASS": "apps.core.rest.schema.Schema",
    "URL_FORMAT_OVERRIDE": None,
    "EXCEPTION_HANDLER": "apps.core.api.problem_handler",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Plumbline API",
    "VERSION": "1.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "ApiKeyState": "apps.workspaces.keys.api.STATES",
        "VersionState": "apps.documents.models.VersionState",
        "DocumentState": "apps.documents.serializers.STATES",
        "EmbeddingModelKind": "apps.gateway.models.EmbeddingModel.Kind",
        "GateRuleKind": "apps.evaluation.models.GateRule.Kind",
        "ConversationReviewState": "apps.feedback.models.ReviewState",
        "ConversationReviewFilter": "apps.feedback.conversations.selectors.ReviewFilter",
        "QueryTransform": "apps.retrieval.search.profiles.QUERY_TRANSFORMS",
        "MessageStateEnum": "apps.chat.models.MessageState",
        "FeedbackReason": "apps.feedback.models.Reason",
        "LeftOutReason": "apps.documents.bulk.serializers.REASONS",
    },
}

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "apps.core.logs.JsonFormatter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["console"], "level": env_str("LOG_LEVEL", default="INFO")},
    "loggers": {
        # Django's and uvicorn's own handlers would write tracebacks with their messages.
        "django": {"handlers": [], "level": "INFO"},
        "django.server": {"handlers": [], "level": "WARNING", "propagate": True},
        "uvicorn": {"handlers": [], "level": "WARNING", "propagate": True},
        "uvicorn.error": {"handlers": [], "propagate": True},
        "uvicorn.access": {"handlers": [], "level": "WARNING", "propagate": True},
        # Celery writes two lines for each wake-up, which tell no more than the job table does.
        "celery.app.trace": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        "httpx": {"level": "WARNING"},
        "asyncio": {"level": "WARNING"},
    },
}
