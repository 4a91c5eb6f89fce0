"""`manage.py prompts export|import`: a workspace's prompts as files in a folder, for git."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.text import slugify

from apps.prompts.dotprompt import (
    MAX_CHARS,
    SUFFIX,
    DotpromptError,
    PromptFile,
    dump_dotprompt,
    parse_dotprompt,
)
from apps.prompts.selectors import list_prompts, list_versions
from apps.prompts.services import LABEL, import_prompt, set_label
from apps.prompts.spec import PromptError
from apps.workspaces.models import Workspace
from apps.workspaces.services import Actor


class Command(BaseCommand):
    help = "Write a workspace's prompts into a folder, or take them from there."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=["export", "import"])
        parser.add_argument("folder", type=Path, help=f"where the {SUFFIX} files are")
        parser.add_argument("--workspace", required=True, help="its slug")
        parser.add_argument(
            "--label",
            default="",
            help="export the versions with this label, or put it on what is imported",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        workspace = Workspace.objects.filter(slug=options["workspace"]).first()
        if workspace is None:
            raise CommandError(f"There is no workspace {options['workspace']!r}.")
        label = options["label"]
        if label and not LABEL.fullmatch(label):
            raise CommandError("A label has small letters, digits, dots and dashes.")
        if options["action"] == "export":
            self._export(workspace, options["folder"], label)
        else:
            self._import(workspace, options["folder"], label)

    def _export(self, workspace: Workspace, folder: Path, label: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        taken: set[str] = set()
        for prompt in list_prompts(workspace.pk):
            versions = list_versions(prompt)
            version = (versions.filter(labels__name=label) if label else versions).first()
            if version is None:
                continue
            base = name = slugify(prompt.name) or "prompt"
            number = 2
            while name in taken:
                name, number = f"{base}-{number}", number + 1
            taken.add(name)
            text = dump_dotprompt(PromptFile(prompt.name, version.note, version.spec))
            (folder / f"{name}{SUFFIX}").write_text(text, encoding="utf-8")
            self.stdout.write(f"{name}{SUFFIX}: {version}")

    def _import(self, workspace: Workspace, folder: Path, label: str) -> None:
        files = sorted(folder.glob(f"*{SUFFIX}"))
        if not files:
            raise CommandError(f"There are no {SUFFIX} files in {folder}.")
        failed = 0
        for path in files:
            try:
                self._import_one(workspace, path, label)
            except (DotpromptError, PromptError, UnicodeDecodeError) as error:
                failed += 1
                self.stderr.write(f"{path.name}: {error}")
        if failed:
            raise CommandError(f"{failed} of {len(files)} files could not be taken.")

    def _import_one(self, workspace: Workspace, path: Path, label: str) -> None:
        with path.open("rb") as stream:
            file = parse_dotprompt(stream.read(4 * MAX_CHARS + 1).decode("utf-8"))
        named = PromptFile(file.name or path.stem, file.note, file.spec)
        imported = import_prompt(workspace, file=named, actor=Actor())
        if label:
            set_label(imported.version, name=label, actor=Actor())
        self.stdout.write(f"{imported.version}: {'new' if imported.is_new else 'unchanged'}")
