"""A Django site with django-oauth-toolkit (the real server), configured as its manual describes.

Real: everything below /o/ and the sign-in page of Django's admin. Ours is only the configuration: clients, a user, the
scopes of SMART, and the claim fhirUser by the documented hook. It runs behind ../glue/proxy.mjs, whose public address
it gets as PUBLIC_ORIGIN. The database is a SQLite file in a folder that goes when the process goes.
"""

import json
import os
import signal
import sys
import tempfile

import django
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings
from django.core.management import call_command

PORT = os.environ["PORT"]
ORIGIN = os.environ["PUBLIC_ORIGIN"]
SETUP = json.loads(os.environ["SETUP"])  # clients, scopes, user: from ../glue/clients.mjs
PATIENT_URL = os.environ["PATIENT_URL"]


def signing_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def configure(folder: str) -> None:
    settings.configure(
        SECRET_KEY="test-only-django-secret-key",
        DEBUG=False,
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF=__name__,
        INSTALLED_APPS=[
            "django.contrib.admin",
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.messages",
            "django.contrib.staticfiles",
            "oauth2_provider",
        ],
        MIDDLEWARE=[
            "django.middleware.security.SecurityMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                    ]
                },
            }
        ],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": os.path.join(folder, "db.sqlite3"),
                "OPTIONS": {"timeout": 20, "transaction_mode": "IMMEDIATE"},
            }
        },
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        # Django's own advice for tests: the default hasher costs half a second a sign-in and a client secret.
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        LOGIN_URL="/admin/login/",
        STATIC_URL="/static/",
        USE_TZ=True,
        OAUTH2_PROVIDER={
            "PKCE_REQUIRED": True,
            "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,  # S256 only; without it `plain` is accepted and listed
            "SCOPES": {scope: scope for scope in SETUP["scopes"].split()},
            "OIDC_ENABLED": True,
            "OIDC_ISS_ENDPOINT": f"{ORIGIN}/o",
            "OIDC_RSA_PRIVATE_KEY": signing_key(),
            "OAUTH2_VALIDATOR_CLASS": f"{__name__}.validator_class",
        },
        LOGGING={
            "version": 1,
            "disable_existing_loggers": False,
            "handlers": {"stderr": {"class": "logging.StreamHandler"}},
            "root": {"handlers": ["stderr"], "level": "WARNING"},
            "loggers": {"django.server": {"handlers": ["stderr"], "level": "ERROR", "propagate": False}},
        },
    )


def validator_class():
    """The toolkit's validator with the claim fhirUser, by the hook that its manual gives for claims."""
    from oauth2_provider.oauth2_validators import OAuth2Validator

    class Validator(OAuth2Validator):
        oidc_claim_scope = {**OAuth2Validator.oidc_claim_scope, "fhirUser": "fhirUser"}

        def get_additional_claims(self):
            return {"fhirUser": lambda request: PATIENT_URL}

    return Validator()


def register() -> None:
    from django.contrib.auth import get_user_model
    from oauth2_provider.models import get_application_model

    for user in SETUP["users"]:
        # The admin's sign-in page lets in staff only.
        get_user_model().objects.create_user(user["username"], password=user["password"], is_staff=True)
    application = get_application_model()
    for client in SETUP["clients"]:
        application.objects.create(
            client_id=client["id"],
            name=client["id"],
            client_type="public" if client["method"] == "none" else "confidential",
            client_secret=client.get("secret", ""),  # stored hashed
            authorization_grant_type=client.get("grant", "authorization-code"),
            redirect_uris=" ".join(SETUP["redirect_uris"]),
            algorithm="RS256",
            allowed_origins="https://app.example",
        )


def stop(*_) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one must not cut the cleaning up short
    sys.exit(0)


def main() -> None:
    signal.signal(signal.SIGTERM, stop)
    with tempfile.TemporaryDirectory(prefix="dot-") as folder:
        configure(folder)
        django.setup()
        from django.contrib import admin
        from django.contrib.auth.views import LoginView
        from django.core.servers.basehttp import WSGIRequestHandler
        from django.urls import include, path
        from oauth2_provider import urls

        global urlpatterns
        urlpatterns = [
            path("", include((urls.metadata_urlpatterns, "oauth2_metadata"))),
            path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
            # The admin's own view turns away who is signed in, and prompt=login would lead nowhere; its page is what is wanted.
            path("admin/login/", LoginView.as_view(template_name="admin/login.html")),
            path("admin/", admin.site.urls),
        ]
        # Head and body go out in two writes; with Nagle's algorithm the second waits 40 ms for the delayed ACK of the first.
        WSGIRequestHandler.disable_nagle_algorithm = True
        call_command("migrate", verbosity=0)
        register()
        call_command("runserver", f"127.0.0.1:{PORT}", "--noreload", "--nostatic", stdout=sys.stderr)


if __name__ == "__main__":
    # Django imports the settings' names from this module: they must be the ones of the running one.
    sys.modules["server"] = sys.modules["__main__"]
    __name__ = "server"
    main()
