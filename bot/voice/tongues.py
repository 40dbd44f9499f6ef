"""What notes and facts know of a language: a table each. Pure.

A language without a table still works: its small words come from stopwordsiso, and it has neither
short forms nor number words. Small words may be left out of notes; those that say who, or no, stay.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

_SHORTEST_TELLING = 5  # letters: in lists of stop words, longer words often say something
_GUESSED_FROM = 2000  # words: enough to know a language


@dataclass(frozen=True, slots=True)
class Tongue:
    """The words of a language that notes treat in a way of their own; all in lower case."""

    small: frozenset[str] = frozenset()  # may be left out
    who: frozenset[str] = frozenset()  # who, and no: these stay, however short the notes
    spelled: Mapping[str, str] = field(default_factory=dict)  # short forms, contractions and signs
    endings: Mapping[str, str] = field(default_factory=dict)  # contracted ones: "'ll"
    numbers: Mapping[str, str] = field(default_factory=dict)  # number words, as digits


_SMALL = """
a an the this that these those and or but so then than as at by for from in into of off on onto out
over to up upon with within about across after along around before behind below between down during
near per since through toward towards under until via while when where which what how if because
is am are was were be been being do does did has have had having can could will would shall should
may might must there here it its also just very too such some any well really quite rather now
"""
_SPELLED = {
    **{"&": "and", "+": "and", "@": "at", "w": "with", "w/": "with", "w/o": "without"},
    **{"abt": "about", "hv": "have", "b4": "before", "2day": "today", "2morrow": "tomorrow"},
    **{"2nite": "tonight", "2night": "tonight", "2gether": "together", "yr": "year"},
    **{"yrs": "years", "wk": "week", "wks": "weeks", "mtg": "meeting", "mtgs": "meetings"},
    **{"govt": "government", "dept": "department", "ppl": "people", "pls": "please"},
    **{"plz": "please", "thx": "thanks", "thru": "through", "shld": "should", "wld": "would"},
    **{"cld": "could", "btwn": "between", "bc": "because", "b/c": "because", "cuz": "because"},
    **{"u": "you", "ur": "your", "r": "are", "natl": "national", "intl": "international"},
    **{"bipart": "bipartisan", "cmte": "committee", "cmtes": "committees", "gr8": "great"},
    **{"incl": "including", "addtl": "additional", "tho": "though", "tmrw": "tomorrow"},
    **{"msg": "message", "hrs": "hours", "mins": "minutes", "mos": "months", "wrk": "work"},
    **{"bldg": "building", "hrg": "hearing", "gd": "good", "im": "I am", "ive": "I have"},
    **{"dont": "do not", "doesnt": "does not", "didnt": "did not", "cant": "cannot"},
    **{"wont": "will not", "isnt": "is not", "wasnt": "was not", "can't": "cannot"},
    **{"won't": "will not", "shan't": "shall not", "ain't": "is not", "gonna": "going to"},
    **{"wanna": "want to", "gotta": "have to", "y'all": "you all", "let's": "let us"},
    **{"it's": "it is", "that's": "that is", "he's": "he is", "she's": "she is"},
    **{"where's": "where is", "how's": "how is", "shldnt": "should not", "wldnt": "would not"},
    **{"cldnt": "could not", "wknd": "weekend", "b": "be", "fr": "from"},
    **{"there's": "there is", "here's": "here is", "what's": "what is", "who's": "who is"},
}
_WHO = """
i me my mine myself we us our ours you your yours he him his himself she her hers herself they them
their theirs themselves who whose whom not no never none nothing nobody neither nor without cannot
"""
_TWO_TO_TWELVE = [
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
]
_AND_AT = {  # how a language says & and @
    **{"de": ("und", "bei"), "nl": ("en", "bij"), "fr": ("et", "à"), "es": ("y", "en")},
    **{"pt": ("e", "em"), "it": ("e", "a"), "pl": ("i", "w"), "sv": ("och", "vid")},
}
_WHO_ELSEWHERE = {
    "de": """nicht kein keine keinen keinem keiner keines nie niemals nichts niemand ohne weder noch
        ich du er sie es wir ihr mich mir dich dir ihn ihm uns euch mein meine meinen meinem meiner
        dein deine sein seine seinen seinem seiner unser unsere euer eure wer wem wen man""",
    "nl": """niet geen nooit niets niemand zonder ik jij je hij zij ze wij we jullie mij me hem haar
        ons hun mijn jouw zijn onze wie""",
    "fr": """ne n' pas plus jamais rien sans ni personne aucun aucune je j' tu il elle on nous vous
        ils elles me te se lui leur leurs mon ma mes ton ta tes son sa ses notre nos votre vos
        qui""",
    "es": """no nunca jamás nada nadie sin ni tampoco yo tú él ella nosotros vosotros ellos ellas
        me te se le les nos mi mis tu tus su sus nuestro nuestra quien quién""",
    "pt": """não nunca jamais nada ninguém sem nem eu tu ele ela nós vós eles elas você vocês me te
        se lhe lhes meu minha meus minhas seu sua seus suas nosso nossa quem""",
    "it": """non mai niente nulla nessuno senza né io tu lui lei noi voi loro mi ti ci vi mio mia
        miei mie tuo tua suo sua suoi sue nostro nostra chi""",
    "pl": """nie nigdy nic nikt bez ani ja ty on ona ono my wy oni one mnie mi mną ciebie tobie jego
        jej ich im nas nam was wam mój moja moje twój twoja nasz nasza swój swoja kto""",
    "sv": """inte ingen inget inga aldrig utan jag du han hon den det vi ni de mig dig honom henne
        oss er dem min mitt mina din ditt hans hennes vår vårt vem""",
}
_NUMBERS = {
    "en": "two three four five six seven eight nine ten eleven twelve",
    "de": "zwei drei vier fünf sechs sieben acht neun zehn elf zwölf",
    "nl": "twee drie vier vijf zes zeven acht negen tien elf twaalf",
    "fr": "deux trois quatre cinq six sept huit neuf dix onze douze",
    "es": "dos tres cuatro cinco seis siete ocho nueve diez once doce",
    "pt": "dois três quatro cinco seis sete oito nove dez onze doze",
    "it": "due tre quattro cinque sei sette otto nove dieci undici dodici",
    "pl": "dwa trzy cztery pięć sześć siedem osiem dziewięć dziesięć jedenaście dwanaście",
    "sv": "två tre fyra fem sex sju åtta nio tio elva tolv",
}


def _figures(words: str) -> dict[str, str]:
    return {word: str(n) for n, word in enumerate(words.split(), 2)}


_ENGLISH = Tongue(
    small=frozenset(_SMALL.split()),
    who=frozenset(_WHO.split()),
    spelled=_SPELLED,
    endings={"n't": " not", "'m": " am", "'re": " are", "'ve": " have", "'ll": " will"},
    numbers=_figures(_NUMBERS["en"]),
)


@lru_cache(maxsize=128)
def tongue(language: str | None) -> Tongue:
    """The table of a language, by its code of ISO 639-1; of none or an unknown one, a bare one."""
    if language == "en":
        return _ENGLISH
    together, place = _AND_AT.get(language or "", ("&", "@"))
    stop = (word for word in _listed(language) if len(word) < _SHORTEST_TELLING)
    who = frozenset(_WHO_ELSEWHERE.get(language or "", "").split())
    return Tongue(
        small=frozenset(stop) - who,
        who=who,
        spelled={"&": together, "+": together, "@": place},
        numbers=_figures(_NUMBERS.get(language or "", "")),
    )


def guess_language(words: Iterable[str]) -> str | None:
    """The language of these words in lower case: the one whose stop words are most of them."""
    import stopwordsiso  # noqa: PLC0415 - a list of 57 languages, read when it is needed

    found = [word for _, word in zip(range(_GUESSED_FROM), words, strict=False)]
    if not found:
        return None
    # A long list holds more words of other languages, too: those are no sign.
    stop = {code: _listed(code) for code in stopwordsiso.langs()}
    shared = {
        code: sum(len(word) < _SHORTEST_TELLING and word in listed for word in found)
        / max(1.0, len(listed) ** 0.25)
        for code, listed in stop.items()
    }
    best = max(sorted(shared), key=lambda code: shared[code])
    return best if shared[best] else None


@lru_cache(maxsize=1)
def common_words() -> frozenset[str]:
    """Words that name nothing, even with a capital: those of the bot's own languages."""
    return _listed("en") | _listed("de")


@lru_cache(maxsize=128)
def _listed(language: str | None) -> frozenset[str]:
    import stopwordsiso  # noqa: PLC0415

    if language is None or not stopwordsiso.has_lang(language):
        return frozenset()
    return frozenset(stopwordsiso.stopwords(language))
