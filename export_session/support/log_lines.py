"""One line of the log for one message: labels that people chose cannot forge lines of their own."""

from __future__ import annotations

import logging

from export_session.support.wording import visible


class _ControlCharacters(logging.Filter):
    """Show the control characters of messages as pictures; keep every record."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the message of a record where it holds any."""
        message = record.getMessage()
        if (shown := visible(message)) != message:
            record.msg, record.args = shown, None
        return True


def show_control_characters() -> None:
    """See to it for all that goes to the handlers that the root logger has now."""
    for handler in logging.getLogger().handlers:
        if not any(isinstance(one, _ControlCharacters) for one in handler.filters):
            handler.addFilter(_ControlCharacters())
