"""A workspace with one of everything, and the id that stands for it in each address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.apps import apps as django_apps

from apps.assistants.answering.citations import Span
from apps.assistants.answering.pipeline import CitedPassage, Outcome
from apps.assistants.models import Assistant
from apps.assistants.probes.services import start_perturbation
from apps.assistants.recipe import load_recipe
from apps.assistants.services import create_assistant
from apps.assistants.suggestions.services import Found, store_questions
from apps.chat.asking.files import attach_file
from apps.chat.models import Conversation, Message, MessageState
from apps.chat.services import Asker, BegunAnswer, Ending, begin_answer, finish_answer, plan_answer
from apps.chunking.services import default_profile, split_version
from apps.core.embedder import get_embedder, list_embedders
from apps.datasets.annotation.services import create_task
from apps.datasets.examples import ExampleFields
from apps.datasets.models import AnnotationTask, Dataset, Example
from apps.datasets.services import add_example, create_dataset, freeze
from apps.documents.bulk.changes import Action, Change, Selection, start_change
from apps.documents.collections import create_collection
from apps.documents.models import Collection, DocumentVersion, Page
from apps.documents.services import add_upload
from apps.evaluation.experiments.metrics import freeze_evaluators, read_metrics
from apps.evaluation.experiments.plans import Plan, create_experiment
from apps.evaluation.gates.services import add_rule
from apps.evaluation.models import ItemState
from apps.evaluation.review.guidelines import save_criterion
from apps.feedback.services import FeedbackFields, give_feedback
from apps.gateway.models import EmbeddingModel
from apps.gateway.services import EndpointFields, save_endpoint
from apps.lab.models import LabRun
from apps.lab.runs import RunFields, start_run
from apps.prompts.services import create_prompt, set_label
from apps.retrieval.indexes.builds import start_build
from apps.retrieval.indexes.questions import save_question
from apps.retrieval.indexes.services import (
    ensure_live_index,
    pending_chunks,
    publish_version,
    store_embeddings,
)
from apps.retrieval.passages.edits import tag_chunk
from apps.retrieval.search.first_stage import search
from apps.retrieval.search.profiles import DEFAULT_PROFILE
from apps.retrieval.search.query import SearchQuery
from apps.traces.recorder import Recorder
from apps.workspaces.keys.services import create_api_key
from apps.workspaces.models import ALL_SCOPES, Role, User, Workspace
from apps.workspaces.services import Actor, create_workspace, invite
from tests.factories import ApiClient, make_member, make_user
from tests.pdf import write_pdf

TEXT = "Employees get 25 days of annual leave a year. Trains are preferred for travel."
QUESTION = "How many days of annual leave do employees get?"


@dataclass(frozen=True, slots=True)
class House:
    """A furnished workspace. `pages` and `rest` map an address's parameter to its argument."""

    workspace: Workspace
    owner: User
    api: ApiClient
    bare_key: str
    revoked_key: str
    assistant: Assistant
    pages: dict[str, Any]
    rest: dict[str, Any]
    question_id: UUID

    @property
    def mark(self) -> str:
        """A word in every text of this workspace that the other one does not have."""
        return self.workspace.slug

    def secrets(self) -> list[str]:
        """What nobody else may read: all ids, and the mark."""
        values = [*self.pages.values(), *self.rest.values(), self.workspace.pk]
        return [self.mark, *(str(value) for value in values if isinstance(value, UUID))]

    def snapshot(self) -> dict[str, list[Any]]:
        """Every row of the workspace, to be compared with later."""
        rows: dict[str, list[Any]] = {
            "workspace": list(Workspace.objects.filter(pk=self.workspace.pk).values())
        }
        for model in django_apps.get_models():
            if model.__module__.startswith("apps.") and hasattr(model, "workspace"):
                found = model._default_manager.filter(workspace=self.workspace)
                rows[model._meta.label] = [str(row) for row in found.order_by("pk").values()]
        return rows


def furnish(name: str) -> House:
    """Build a workspace of this name. The documents are the same whatever the name."""
    owner = make_user(f"owner@{name}.example")
    workspace = create_workspace(name, owner=owner)
    actor = Actor(user=owner)
    editor = make_member(workspace, f"editor@{name}.example", "editor")
    member = workspace.memberships.get(user=editor)
    invitation, _ = invite(workspace, email=f"guest@{name}.example", role=Role.VIEWER, actor=actor)
    key, secret = create_api_key(workspace, name=f"{name} key", scopes=ALL_SCOPES, actor=actor)
    idle, bare = create_api_key(workspace, name="bare", actor=actor, scopes=[])
    gone, revoked = create_api_key(workspace, name="gone", actor=actor)
    gone.revoked_at = gone.created_at
    gone.save()
    collection = create_collection(workspace, name="Handbook", actor=actor)
    version = _add_document(collection, actor)
    passage = version.chunks.get()
    edit = tag_chunk(passage, tags=[name], actor=actor)
    assert edit is not None
    # Nobody listens on port 9, so that a test of the endpoint ends at once.
    fields = EndpointFields(name=f"{name} model", base_url="http://127.0.0.1:9/v1", model="m")
    endpoint = save_endpoint(workspace, fields=fields, actor=actor)
    assistant = create_assistant(
        workspace, name=f"{name} desk", collections=[collection], endpoint=endpoint, actor=actor
    )
    mine = _answer(workspace, assistant, collection, Asker(user_id=owner.pk))
    theirs = _answer(workspace, assistant, collection, Asker(api_key_id=key.pk))
    own_file = _attach(mine.rows.conversation_id, name, actor)
    their_file = _attach(theirs.rows.conversation_id, name, actor)
    feedback = give_feedback(
        mine.answer, fields=FeedbackFields("down", "wrong", f"{name} disagrees"), actor=actor
    )
    dataset, example_id = _make_dataset(workspace)
    evaluated = _evaluate(assistant, dataset)
    index = start_build(
        collection, profile=default_profile(workspace), model=list_embedders(workspace.pk)[0],
        actor=actor,
    )  # fmt: skip
    model = EmbeddingModel.objects.create(
        workspace=workspace, name=f"{name} vectors", kind="server", dimensions=3, model="m",
        base_url="http://127.0.0.1:9/v1",
    )  # fmt: skip
    query = save_question(collection, text=f"{name} asks?", actor=actor)
    shared = {
        "index_id": index.pk,
        "model_id": model.pk,
        "query_id": query.pk,
        "prompt_id": _add_prompt(workspace, actor),
        "probe_id": _add_probe(assistant, actor),
        "version_name": "1",
        "label": "staging",
        **evaluated,
        "dataset_id": dataset.pk,
        "example_id": example_id,
        "collection_id": collection.pk,
        "document_id": version.document_id,
        "passage_id": passage.pk,
        "edit_id": edit.pk,
        "endpoint_id": endpoint.pk,
        "suggestion_id": _suggest(assistant, version.document_id),
        "lab_run_id": _measure_profiles(dataset, example_id, collection).pk,
    }
    pages = shared | {
        "slug": workspace.slug,
        "member_id": member.pk,
        "invitation_id": invitation.pk,
        "key_id": key.pk,
        "assistant_slug": assistant.slug,
        "number": 1,
        "annotation_task_id": _begin_annotation(dataset).pk,
        "kind": "jsonl",
        "conversation_id": mine.rows.conversation_id,
        "message_id": mine.rows.answer_id,
        "trace_id": mine.trace_id,
        "feedback_id": feedback.pk,
        "file_id": own_file,
    }
    change = Change(Action.ADD_TAG, tag=name)
    rest = shared | {
        "assistant_id": assistant.pk,
        "change_id": start_change(collection, change, Selection(), actor=actor).id,
        "key_id": idle.pk,
        "conversation_id": theirs.rows.conversation_id,
        "message_id": theirs.rows.answer_id,
        "trace_id": theirs.trace_id,
        "number": 1,
        "file_id": their_file,
    }
    return House(
        workspace=workspace,
        owner=owner,
        api=ApiClient(secret),
        bare_key=bare,
        revoked_key=revoked,
        assistant=assistant,
        pages=pages,
        rest=rest,
        question_id=mine.rows.question_id,
    )


def _suggest(assistant: Assistant, document_id: UUID) -> UUID:
    """A question that was found in the document."""
    found = [Found(document_id, f"{assistant.workspace.slug} wants to know what?")]
    store_questions(assistant, found=found, fingerprint="")
    return assistant.suggested_questions.get().pk


def _attach(conversation_id: UUID, name: str, actor: Actor) -> UUID:
    """A file of one conversation, which no page but that conversation's names."""
    conversation = Conversation.objects.get(pk=conversation_id)
    text = f"{name} attached this.".encode()
    outcome = attach_file(conversation, file=[text], filename=f"{name}-note.md", actor=actor)
    return outcome.document.pk


def _make_dataset(workspace: Workspace) -> tuple[Dataset, UUID]:
    """A dataset with one example in its draft and in version 1."""
    dataset = create_dataset(workspace, name=f"{workspace.slug} cases", actor=Actor())
    fields = ExampleFields(question=f"{QUESTION} {workspace.slug}", expected_answer="25 days.")
    example = add_example(dataset, fields=fields, actor=Actor())
    freeze(dataset, actor=Actor())
    return dataset, example.pk


def _add_probe(assistant: Assistant, actor: Actor) -> UUID:
    """A test that has been asked for and not begun."""
    assert assistant.current is not None
    probe = start_perturbation(
        assistant.current, endpoint=None, questions=[assistant.slug], actor=actor
    )
    return probe.pk


def _add_prompt(workspace: Workspace, actor: Actor) -> UUID:
    """One that no release was made with, so that it can be deleted."""
    version = create_prompt(workspace, name=f"{workspace.slug} prompt", actor=actor)
    set_label(version, name="staging", actor=actor)
    return version.prompt_id


def _evaluate(assistant: Assistant, dataset: Dataset) -> dict[str, UUID]:
    """An experiment with an answer, a rule and a line of the guideline."""
    [metric] = freeze_evaluators([{"evaluator": "token_f1"}])
    plan = Plan(
        name=f"{assistant.workspace.slug} check",
        dataset_version=dataset.versions.get(number=1),
        releases=list(assistant.releases.all()),
        evaluators=[metric],
    )
    experiment = create_experiment(assistant, plan=plan, actor=Actor())
    item = experiment.items.get()
    item.answer, item.state = f"25 days, says {assistant.workspace.slug}.", ItemState.DONE
    item.save()
    rule = add_rule(
        assistant,
        metric=read_metrics([metric])[0],
        kind="at_least",
        statistic="mean",
        threshold=0.1,
        confidence=0.95,
        actor=Actor(),
    )
    line = {"name": "Exact", "rubric": f"As {assistant.workspace.slug} says it."}
    criterion = save_criterion(assistant, fields=line, actor=Actor())
    return {
        "experiment_id": experiment.pk,
        "item_id": item.pk,
        "rule_id": rule.pk,
        "criterion_id": criterion.pk,
    }


def _begin_annotation(dataset: Dataset) -> AnnotationTask:
    """A task over version 1 that nobody has begun."""
    labels = ["right", "wrong"]
    version = dataset.versions.get(number=1)
    return create_task(version, name="Right?", guidelines="Look.", labels=labels, actor=Actor())


def _measure_profiles(dataset: Dataset, example_id: UUID, collection: Collection) -> LabRun:
    """A comparison of two retrieval profiles that waits for its turn."""
    Example.objects.filter(pk=example_id).update(expected_passages=[{"text": TEXT}])
    profiles = dict.fromkeys("ab", DEFAULT_PROFILE)
    fields = RunFields(profiles=profiles, collection_ids=[collection.pk])
    return start_run(dataset.versions.get(number=0), fields=fields, actor=Actor())


def _add_document(collection: Collection, actor: Actor) -> DocumentVersion:
    """A real file, made searchable as the workers do it but without their sandbox."""
    add_upload(collection, file=[b"An older handbook."], filename="handbook.pdf", actor=actor)
    uploaded = add_upload(
        collection, file=[write_pdf([TEXT])], filename="handbook.pdf", actor=actor
    )
    older, version = DocumentVersion.objects.filter(document=uploaded.document).order_by("number")
    older.num_chars = 18
    older.save()
    version.state, version.media_type = "processing", "application/pdf"
    version.pages_done = version.pages_total = 1
    version.save()
    workspace = collection.workspace
    Page.objects.create(
        workspace=workspace, version=version, number=1, text=TEXT, start=0, end=len(TEXT)
    )
    index = ensure_live_index(collection)
    split_version(version, profile=default_profile(workspace))
    chunks = pending_chunks(index, version_ids=[version.pk], limit=10)
    vectors = get_embedder().encode([chunk.text for chunk in chunks])
    store_embeddings(index, [chunk.chunk_id for chunk in chunks], vectors)
    assert publish_version(version, index=index)
    return version


@dataclass(frozen=True, slots=True)
class _Stored:
    rows: BegunAnswer
    trace_id: UUID
    answer: Any


def _answer(
    workspace: Workspace, assistant: Assistant, collection: Collection, asker: Asker
) -> _Stored:
    """An answer with a citation, a snapshot and a trace, as the pipeline leaves it."""
    recipe = load_recipe(workspace.pk, slug=assistant.slug)
    rows, recorder = plan_answer(), Recorder("answer")
    begin_answer(
        rows, recipe=recipe, question=f"{QUESTION} {workspace.slug}", asker=asker, process="p"
    )
    with recorder.span("search", query=f"{QUESTION} {workspace.slug}"):
        result = search(SearchQuery(workspace.pk, [collection.pk], QUESTION))
    [hit] = result.hits
    outcome = Outcome(
        content=f"25 days, says {workspace.slug} [1].",
        passages=[CitedPassage(1, hit, Span(0, 45, 1.0))],
    )
    state = finish_answer(
        rows.answer_id, outcome=outcome, recorder=recorder, ending=Ending(MessageState.DONE)
    )
    assert state == MessageState.DONE
    return _Stored(rows, recorder.trace_id, Message.objects.get(pk=rows.answer_id))
