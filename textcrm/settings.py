"""Settings, read once by the entry points and handed down; no module keeps an instance."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from textcrm.errors import SettingsError


class Settings(BaseSettings):
    """What can be set, each as an environment variable ``TEXTCRM_<NAME>``.

    ``home`` holds everything the program keeps: the embedded database, the model registry, secrets, logs.
    """

    model_config = SettingsConfigDict(env_prefix="TEXTCRM_", extra="ignore", frozen=True)

    home: Path = Field(default_factory=lambda: Path.home() / ".textcrm")
    mongodb_uri: SecretStr | None = None
    database: str = Field(default="textcrm", pattern=r"^[A-Za-z0-9_-]{1,38}$")
    mongod: Path | None = None
    region: str = Field(default="US", pattern=r"^[A-Z]{2}$", description="default region of phone numbers")
    own_addresses: str = Field(
        default="", description="the company's own mail addresses, or @domain: they identify no customer, comma between"
    )
    threads: int = Field(default=2, ge=1, le=64, description="threads of one embedding, or of textcrm index")
    host: str = "127.0.0.1"
    port: int = Field(default=8600, ge=0, le=65535)
    requests_per_second: float = Field(default=200.0, gt=0, description="of one API key, per process; bursts of twice")
    max_body_bytes: int = Field(default=10_000_000, ge=1_000, description="of one API request")
    cors_origins: str = Field(default="", description="origins that may call the API from a browser, comma between")
    private_hosts: str = Field(
        default="", description="names, addresses, networks that are not public and webhooks may reach, comma between"
    )
    smtp_url: SecretStr | None = Field(default=None, description="server of the mails: smtp://user:password@host:587")
    mail_from: str = Field(default="", description="address that the mails come from")
    disk_floor_mb: int = Field(default=500, ge=1, description="free space below which no messages are taken")
    max_message_bytes: int = Field(default=25_000_000, ge=1_000)
    max_text_chars: int = Field(default=100_000, ge=100, description="longer texts are analysed up to here")

    @property
    def ours(self) -> frozenset[str]:
        """The company's own addresses and domains (``@example.com``)."""
        return frozenset(own.strip().lower() for own in self.own_addresses.split(",") if own.strip())

    @property
    def origins(self) -> tuple[str, ...]:
        """The origins that may call the API from a browser."""
        return tuple(origin.strip() for origin in self.cors_origins.split(",") if origin.strip())

    @property
    def registry_dir(self) -> Path:
        """Folder of the model registry."""
        return self.home / "registry"

    @property
    def data_dir(self) -> Path:
        """Folder of the embedded database."""
        return self.home / "mongodb"

    @property
    def corpora_dir(self) -> Path:
        """Folder of the corpora that were fetched by reference."""
        return self.home / "corpora"

    @property
    def similar_dir(self) -> Path:
        """Folder of the indexes that similar messages are found by."""
        return self.home / "similar"

    def environment(self) -> dict[str, str]:
        """Return these settings as the environment that another process reads them from."""
        given = self.model_dump(exclude_none=True)
        for name, value in given.items():
            if isinstance(value, SecretStr):
                given[name] = value.get_secret_value()
        return {f"TEXTCRM_{name.upper()}": str(value) for name, value in given.items()}


def read_settings() -> Settings:
    """Read the settings from the environment.

    Raises
    ------
    SettingsError
        A variable holds a value that cannot be.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "TEXTCRM_" + str(first["loc"][0]).upper()
        raise SettingsError(f"{name} is not usable: {first['msg']}", hint="Correct or unset it.") from error
