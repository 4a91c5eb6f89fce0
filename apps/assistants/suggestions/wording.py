"""Which headings and terms make a good question, and how they stand inside one. Pure, English.

A suggestion is the first thing that a new user reads, so everything in doubt is left out.
"""

from __future__ import annotations

import re

MAX_WORDS = 7
LISTED_WORDS = 3


def _split(words: str) -> frozenset[str]:
    return frozenset(words.split())


_PLAIN = re.compile(r"[^\W\d_][\w’'-]*(?: (?:[^\W\d_][\w’'-]*|&))*")
"""Words alone: no figures, addresses, units, colons, brackets, or marks of a cut."""
_GENERIC = _split(
    """
    abstract acknowledgements acknowledgments action actions address amount annex appendices
    arguments attributes audience author authors background changes colophon comments conclusion
    conclusions contact contents copyright cover credits data date dedication definitions
    description details discussion document documents element elements endnotes errors event
    events example examples exhibits explanation fields figure figures files footnotes foreword
    format function functions heading highlights home illustration illustrations image imprint
    information input items keys legend licence license limitations links list lists menu method
    methods module name notice number object objectives operations options output outputs overview
    page parameters part plate plates preface prerequisites procedure properties purpose readme
    recommendation references remarks request requirements resources response result results
    sample samples scope section sheet slide source sources started step steps subject summary
    support syntax table tables tag tags template test tests text tips title topic topics total
    troubleshooting type types uncopyright unit units uri usage value values version
    """
)
"""Words that say nothing of a subject, alone or together ("Request Parameters")."""
_NOT_FIRST = _split(
    """
    about above according additional advanced after again all also although and another any as at
    available back basic because before below between but by dear each every few final finally
    first following for from further general here how however if in into it its last let's let’s
    many more most my new next no not note nothing of often older on once one only optional or
    other our over please previous related same second see several similar simple since so some
    such thank that the their then there these they third this those through to together under
    until up upon various very we what when where whether which while who why with within without
    yes you your
    """
)
_NOT_INSIDE = _split(
    """
    am april are aren’t august be been being billion billions can can’t chf could crore december
    did do does done don’t email eur fax february friday gbp had has have he her him his huh i is
    isn’t it it's its it’s january july june lakh let's let’s march may me million millions monday
    must my november october our phone saturday september shall she should sth street sunday tel
    them these they this those thousand thousands thursday tuesday us usd was we wednesday were
    what when where whether which while who why will won’t would you your yours
    """
)
_NOT_LAST = _split(
    """
    a about an and as at by for from in into of on or per than that the to under with
    """
)
_VERBS = _split(
    """
    activate add apply avoid build calculate cancel change choose configure connect convert create
    customise customize deactivate define delete deploy disable download edit enable enter
    evaluate export extend find fix generate get import improve increase initialise initialize
    install integrate join manage migrate move optimise optimize order prepare prevent publish
    reduce register remove rename renew replace request reset restore retrieve return run save
    schedule select send share sign specify start stop submit subscribe transfer uninstall update
    upgrade upload use validate verify view write
    """
)
"""What instructions begin with. Those in `_NOUNS_TOO` need an article or "your" behind them."""
_NOUNS_TOO = _split(
    """
    build change download edit export find fix import increase join move order request reset
    return run schedule share sign start stop transfer update upgrade upload use view
    """
)
_OTHER_VERBS = _split(
    """
    access ask check compare complete consider describe dive do ensure establish explore follow
    give go keep know learn leverage list look make measure open pass play read review set show
    take tell think track try turn understand watch work
    """
)
_LOOSE_TERM = _split(
    """
    above aim answer below case cause difference distribution effect example fact first following
    former goal idea indicates key last latter left main most next none only order other point
    problem question reason recommendation rest result right same second solution third true upon
    value
    """
)
_DETERMINERS = _split("a an any each every her his its my no our s some that the their this your")
_SENTENCE_LIKE = re.compile(r"[.!?;,:…][”\"')\]]?$")
_LEAST_OF_LINE = 8


def is_subject(words: str) -> bool:
    """Whether this heading names a subject, in words alone: "Parental leave", not "See also"."""
    parts = words.casefold().split()
    if not _PLAIN.fullmatch(words) or not 1 <= len(parts) <= MAX_WORDS or not words[0].isupper():
        return False
    if any(len(part) > 4 and part.isupper() for part in words.split()):
        return False
    if parts[0] in _NOT_FIRST | _VERBS | _OTHER_VERBS or parts[-1] in _NOT_LAST:
        return False
    if len(parts) == 1 and (len(words) < 4 or not words[1:].islower()):
        return False
    return not _NOT_INSIDE.intersection(parts) and not _is_generic(parts)


def _is_generic(parts: list[str]) -> bool:
    return parts[0] in ("chart", "example", "figure", "list", "table") or all(
        part in _GENERIC or part in _NOT_LAST or part in _NOT_FIRST for part in parts
    )


def is_instruction(words: str) -> bool:
    """Whether this heading says to do something: "Install the software"."""
    parts = words.casefold().split()
    if not _PLAIN.fullmatch(words) or not 2 <= len(parts) <= MAX_WORDS:
        return False
    if parts[0] not in _VERBS or parts[-1] in _NOT_LAST or not words[0].isupper():
        return False
    if parts[0] in _NOUNS_TOO and parts[1] not in ("a", "an", "the", "your"):
        return False
    return not (_NOT_INSIDE - {"your"}).intersection(parts) and not _is_generic(parts[1:])


def is_list(words: str) -> bool:
    """Whether this heading names several things in a few words: "Travel rates"."""
    parts = words.casefold().split()
    return (
        is_subject(words)
        and len(parts) <= LISTED_WORDS
        and not set(parts) & _NOT_LAST
        and not parts[0].endswith("ing")
        and re.search(r"[^aeious’']s$|[aeo]s$", parts[-1]) is not None
        and parts[-1] not in ("news", "always", "perhaps", "canvas", "atlas", "does", "gas")
    )


def is_term(words: str) -> bool:
    """Whether this can be asked for as it stands: "cosine similarity", not "upon your land"."""
    parts = words.casefold().split()
    unfit = _LOOSE_TERM | _NOT_INSIDE | _NOT_LAST | _NOT_FIRST
    return bool(_PLAIN.fullmatch(words)) and not unfit.intersection(parts)


def is_asked(words: str) -> bool:
    """Whether a heading with a question mark is a question that can be sent as it is."""
    first = words.split()[0]
    is_english = re.match(
        r"(?:what|who|whom|whose|which|when|where|why|how|is|are|was|were|do|does|did|can|could"
        r"|may|must|should|will|would|has|have)\b",
        words, re.IGNORECASE,
    )  # fmt: skip
    return bool(is_english) and first[0].isupper() and not re.search(r"\bits?\b|\bthey\b", words)


def mentions(text: str, words: str) -> bool:
    """Whether a passage has a word of its heading outside it."""
    text = " ".join(line for line in text.splitlines() if line.strip(" #*:") != words).casefold()
    stems = [word[:6] for word in re.findall(r"\w{4,}", words.casefold())]
    return any(re.search(rf"\b{re.escape(stem)}", text) for stem in stems)


def lower(words: str, text: str) -> str | None:
    """A phrase as it stands inside a sentence: names keep their capitals. None if that is unclear.

    A word loses its capital only if `text` has it without one, and never has it with one inside
    a sentence; what keeps it has to be a name.
    """
    prose = _prose(text, words)
    first, *others = words.split()
    has_plain = any(word[0].islower() and word not in _NOT_LAST for word in others)
    if has_plain:
        # The others stand as they do in a sentence already; only the first is in question.
        settled = _lower_first(first, prose)
        return " ".join([settled, *others]) if settled else None
    if _is_inside(words, prose):
        return words
    result: list[str] = []
    for word in words.split():
        follows_name = bool(result) and result[-1][0].isupper()
        lowered = None if follows_name else _lower_common(word, prose)
        if lowered is None and not _is_name(word, prose):
            return None
        result.append(lowered or word)
    return " ".join(result)


def _lower_first(word: str, prose: str) -> str | None:
    if word[0].isupper() and word[1:].islower() and len(word) > 5 and word.endswith("ing"):
        return word.lower()
    if word[0].islower() or (len(word) > 1 and not word[1:].islower()):
        return word
    # Links and references to the heading have its capital inside their sentences.
    lower, upper = (
        len(re.findall(pattern, prose))
        for pattern in (rf"\b{re.escape(word.lower())}\b", rf"[a-z,] {re.escape(word)}\b")
    )
    if lower and lower >= upper:
        return word.lower()
    return word if upper and not lower else None


def with_article(words: str, text: str) -> str | None:
    """A lower-case noun with the article that the text gives it. None if it has no such noun."""
    head = re.split(r" (?:at|by|for|from|in|of|on|to|under|with)\b", words)[0]
    first, last = head.split()[0], head.split()[-1]
    if first in ("a", "an", "the") or first.endswith("ing") or last[0].isupper():
        return words
    if last.endswith("s") and not last.endswith(("ss", "us", "is")):
        return words
    prose = _prose(text, words)
    before = re.findall(rf"(?:(\w+)\W)?\b{re.escape(head)}\b", prose, re.IGNORECASE)
    determiners = {word.lower() for word in before}
    if not determiners <= _DETERMINERS:
        return words
    if not determiners or len(words.split()) == 1:
        return None
    article = next((word for word in ("a", "an") if word in determiners), "the")
    return f"{article} {words}"


def _prose(text: str, heading: str) -> str:
    """The lines that are sentences: those of headings and tables have capitals of their own."""
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(
        line
        for line in lines
        if line.strip("#* ") != heading
        and (_SENTENCE_LIKE.search(line) or len(line.split()) >= _LEAST_OF_LINE)
    )


def _is_inside(words: str, prose: str) -> bool:
    """Whether a sentence has these words, with their capitals, behind another word."""
    return re.search(rf"[a-z,] {re.escape(words)}\b", prose) is not None


def _lower_common(word: str, prose: str) -> str | None:
    """A word that is written without a capital wherever a sentence leaves the choice."""
    if word[0].islower():
        return word
    if (len(word) > 1 and not word[1:].islower()) or _is_inside(word, prose):
        return None
    return word.lower() if re.search(rf"\b{re.escape(word.lower())}\b", prose) else None


def _is_name(word: str, prose: str) -> bool:
    if any(c.isupper() or c.isdigit() for c in word[1:]):
        return True
    has_plain = re.search(rf"\b{re.escape(word.lower())}\b", prose) is not None
    return _is_inside(word, prose) and not has_plain
