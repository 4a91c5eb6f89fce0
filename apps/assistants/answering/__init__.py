"""The one pipeline that answers, for chat, API, experiments and playground."""
