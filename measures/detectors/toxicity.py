"""Slurs, insults and threats aimed at people, by lists of English words.

It misses what is put politely, in other languages or spelled around, and it cannot tell a
quotation from an attack. Finding nothing means "none of these", never "safe".
"""

from __future__ import annotations

import re

from measures.detectors.findings import Finding, overlaps

# Aimed at people; swearing alone is not here.
_INSULTS = (
    r"(?:you(?:'re| are)?|you (?:stupid|dumb|fucking|pathetic)|what an?|such an?|he(?:'s| is)|"
    r"she(?:'s| is)|they(?:'re| are)(?: all)?) (?:an? |all |just |such |so |really |fucking )*"
    r"(?:idiots?|morons?|imbeciles?|retard(?:s|ed)?|cretins?|scum|vermin|subhuman|worthless|"
    r"disgusting|pathetic losers?|losers?|bitch(?:es)?|bastards?|whores?|sluts?|assholes?|"
    r"dumbass(?:es)?|pigs|animals|parasites|stupid|trash|filth)"
)
_THREATS = (
    r"(?:i(?:'ll| will| am going to|'m going to)|we(?:'ll| will| are going to|'re going to)|"
    r"someone should) (?:\w+ ){0,2}(?:kill|murder|stab|shoot|rape|strangle|hurt|beat|burn) "
    r"(?:you|him|her|them|your)|(?:you|they|he|she) (?:all )?(?:deserves?|ought|should) (?:to )?"
    r"(?:die|be killed|be shot|be hanged|burn in hell)|kill yourself|go die|drop dead"
)
_SLURS = (
    r"n[i1]gg(?:er|a)s?|f[a@]gg?[o0]ts?|k[i1]kes?|sp[i1]cs|ch[i1]nks?|tr[a@]nn(?:y|ies)|"
    r"w[e3]tbacks?|towelheads?|ragheads?|c[u\*]nts?|shut (?:the fuck|your (?:fucking )?mouth) ?up?|"
    r"fuck (?:you|off|yourself)|piece of shit|go (?:fuck|screw) yourself"
)
_TOXIC = tuple(
    (kind, re.compile(rf"(?<!\w)(?:{pattern})(?!\w)", re.IGNORECASE))
    for kind, pattern in (("threat", _THREATS), ("insult", _INSULTS), ("slur", _SLURS))
)


def find_attacks(text: str) -> list[Finding]:
    """Slurs, insults and threats, in order, none overlapping."""
    findings: list[Finding] = []
    for kind, pattern in _TOXIC:
        for match in pattern.finditer(text.replace("’", "'")):
            if not overlaps(findings, match):
                findings.append(Finding(kind, *match.span()))
    return sorted(findings, key=lambda finding: finding.start)
