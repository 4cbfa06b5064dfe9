"""Home Assistant, where the settings of a server name it.

Rule: what can't work is a ConfigError before anything listens; nothing is connected here, and the library
that it takes is loaded where an address is given.
"""

import logging
from typing import TYPE_CHECKING

from wyoming_voice.errors import ConfigError
from wyoming_voice.hass.settings import HassSettings

if TYPE_CHECKING:
    from wyoming_voice.hass.connection import Hass

_log = logging.getLogger(__name__)


def hass_of(settings: HassSettings) -> "Hass | None":
    """The connection that will be, None where no address is given; raises ConfigError."""
    if not settings.hass_url:
        if settings.hass_token_file is not None:
            _log.warning(
                "--hass-token-file has no effect without --hass-url; give both, or neither"
            )
        return None
    if settings.hass_token_file is None:
        raise ConfigError(
            "--hass-url needs --hass-token-file: make a long-lived access token in Home Assistant, "
            "under your profile, Security, and write it to a file"
        )
    try:
        from wyoming_voice.hass.connection import Hass
        from wyoming_voice.hass.token import OPTION, token_in
    except ModuleNotFoundError as error:
        if error.name != "websockets":
            raise
        raise ConfigError(
            "--hass-url needs 'websockets': pip install 'wyoming-voice[hass]'"
        ) from error
    return Hass(settings.hass_url, token_in(settings.hass_token_file.expanduser(), OPTION))
