"""Why two detectors: what tells the language of answers leaves most questions untold."""

from __future__ import annotations

import pytest

from measures.detectors.language import detect_language
from measures.detectors.short_language import guess_language

QUESTIONS: dict[str, tuple[str, ...]] = {
    "en": (
        "How many days of annual leave do employees get?",
        "Who approves expenses?",
        "When is the office closed?",
        "Can I work from abroad?",
        "What does the travel policy say about trains?",
        "VPN setup on a laptop",
        "Is overtime paid?",
        "Where do I report a stolen phone?",
    ),
    "de": (
        "Wie viele Tage Urlaub haben Angestellte?",
        "Wer genehmigt Reisekosten?",
        "Wann ist das Büro geschlossen?",
        "Darf ich im Ausland arbeiten?",
        "Wird Überstundenarbeit bezahlt?",
        "Wo melde ich ein gestohlenes Telefon?",
        "Was kostet ein Parkplatz?",
        "Gibt es einen Zuschuss zur Kantine?",
    ),
    "fr": (
        "Combien de jours de congé ont les employés ?",
        "Qui approuve les frais ?",
        "Quand le bureau est-il fermé ?",
        "Puis-je travailler à l'étranger ?",
        "Où déclarer un téléphone volé ?",
        "Les heures supplémentaires sont-elles payées ?",
    ),
    "es": (
        "¿Cuántos días de vacaciones tienen los empleados?",
        "¿Quién aprueba los gastos?",
        "¿Cuándo cierra la oficina?",
        "¿Puedo trabajar desde el extranjero?",
        "¿Dónde denuncio un teléfono robado?",
    ),
    "it": (
        "Quanti giorni di ferie hanno i dipendenti?",
        "Chi approva le spese?",
        "Quando è chiuso l'ufficio?",
        "Posso lavorare dall'estero?",
        "Dove segnalo un telefono rubato?",
    ),
    "pt": (
        "Quantos dias de férias têm os empregados?",
        "Quem aprova as despesas?",
        "Quando é que o escritório fecha?",
        "Posso trabalhar no estrangeiro?",
        "Onde comunico um telefone roubado?",
    ),
    "nl": (
        "Hoeveel vakantiedagen krijgen medewerkers?",
        "Wie keurt de onkosten goed?",
        "Wanneer is het kantoor gesloten?",
        "Mag ik in het buitenland werken?",
        "Waar meld ik een gestolen telefoon?",
    ),
    "pl": (
        "Ile dni urlopu mają pracownicy?",
        "Kto zatwierdza wydatki?",
        "Kiedy biuro jest zamknięte?",
        "Czy mogę pracować za granicą?",
        "Gdzie zgłosić skradziony telefon?",
    ),
    "sv": (
        "Hur många semesterdagar får de anställda?",
        "Vem godkänner utgifter?",
        "När är kontoret stängt?",
        "Får jag arbeta utomlands?",
        "Var anmäler jag en stulen telefon?",
    ),
    "tr": (
        "Çalışanların kaç gün izni var?",
        "Masrafları kim onaylıyor?",
        "Ofis ne zaman kapalı?",
        "Yurt dışından çalışabilir miyim?",
    ),
    "ru": (
        "Сколько дней отпуска у сотрудников?",
        "Кто утверждает расходы?",
        "Когда офис закрыт?",
    ),
    "uk": (
        "Скільки днів відпустки мають працівники?",
        "Хто затверджує витрати?",
        "Коли офіс зачинений?",
    ),
    "ja": ("従業員の年次休暇は何日ですか？",),
    "zh": ("员工有多少天年假？",),
    "ko": ("직원의 연차는 며칠입니까?",),
    "hi": ("कर्मचारियों को कितनी छुट्टी मिलती है?",),
    "el": ("Πόσες ημέρες άδειας έχουν;",),
    "": (
        "VPN?",
        "OK",
        "123",
        "SAP S/4HANA",
    ),
}
NUM_QUESTIONS = sum(map(len, QUESTIONS.values()))


@pytest.mark.parametrize(
    ("language", "question"), [(code, questions[0]) for code, questions in QUESTIONS.items()]
)
def test_a_question_is_told_by_its_smallest_words(language: str, question: str) -> None:
    assert guess_language(question) == language


def test_the_detector_of_questions_tells_more_of_them() -> None:
    """Should this fail, the two can be made one."""
    pairs = [(code, text) for code, questions in QUESTIONS.items() for text in questions]
    assert NUM_QUESTIONS == 71
    assert sum(guess_language(text) == code for code, text in pairs) == 64
    assert sum((detect_language(text) or "") == code for code, text in pairs) == 42
