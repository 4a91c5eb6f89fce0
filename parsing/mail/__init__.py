"""What the readers of mails share: bodies, attachments, and the containers of Outlook."""
