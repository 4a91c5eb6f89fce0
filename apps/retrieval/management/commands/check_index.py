"""`manage.py check_index [--repair]`: are all vectors and postings there, once, and no others?"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from apps.retrieval.indexes.invariants import check_index, repair_index
from apps.retrieval.models import Index, IndexState


class Command(BaseCommand):
    help = "Checks every live index and prints a line of JSON for each; fails if one is not sound."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--repair", action="store_true", help="remove orphaned postings and correct counters"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        broken = 0
        for index in Index.objects.filter(state=IndexState.LIVE).order_by("pk"):
            if options["repair"]:
                with transaction.atomic():
                    repair_index(Index.objects.select_for_update().get(pk=index.pk))
            report = check_index(index)
            self.stdout.write(json.dumps({**asdict(report), "sound": report.is_sound}, default=str))
            broken += not report.is_sound
        if broken:
            raise CommandError(f"{broken} of the indexes are not sound.")
