"""The release of this checkout."""

VERSION = "0.1.0"
