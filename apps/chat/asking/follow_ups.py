"""What can be asked after an answer, found once and kept with it."""

from __future__ import annotations

from django.http import Http404

from apps.assistants.recipe import load_recipe
from apps.assistants.suggestions.follow_ups import Cited, find_follow_ups
from apps.assistants.suggestions.trying import Place
from apps.chat.asking.scopes import read_scope
from apps.chat.models import Message, MessageState


def read_follow_ups(answer: Message) -> list[str]:
    """Up to three questions to ask next. Blocking; looked for when somebody first wants them.

    An answer without sources has none, and neither has one of an assistant without a release.
    """
    if answer.follow_ups is not None:
        return list(answer.follow_ups)
    if answer.state != MessageState.DONE or answer.is_declined:
        return []
    found = _find(answer)
    Message.objects.filter(pk=answer.pk).update(follow_ups=found)
    return found


def _find(answer: Message) -> list[str]:
    conversation = answer.conversation
    try:
        recipe = load_recipe(answer.workspace_id, slug=conversation.assistant.slug)
    except Http404:
        return []
    scope = read_scope(answer)
    cited = [
        Cited(passage.version_id, passage.start, passage.end)
        for passage in answer.passages.filter(is_cited=True).order_by("number")
    ]
    asked = conversation.messages.filter(author=Message.Author.USER).values_list(
        "content", flat=True
    )
    return find_follow_ups(
        cited,
        place=Place(
            workspace_id=answer.workspace_id,
            collection_ids=scope.narrow(recipe.frozen.collection_ids),
            document_ids=scope.document_ids,
            profile=recipe.frozen.profile,
        ),
        asked=list(asked),
        answer=answer.content,
    )
