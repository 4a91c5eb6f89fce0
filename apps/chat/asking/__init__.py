"""What stands around a question: what it is asked within, attached files, what to ask next."""
