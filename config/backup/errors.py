"""What the commands tell people when they cannot go on."""


class BackupError(RuntimeError):
    """The backup or its restoration cannot go on; the message says why and what to do."""
