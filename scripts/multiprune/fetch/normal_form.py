"""The form in which every corpus keeps its text, so that equal text has equal characters.

Text is NFC with `\\n` as its line end. White space stays here: kinds `udhr` and `text` make one
blank of it, while rows of a data set and of program code keep their lines and indents.
"""

import re
import unicodedata

LINE_END = re.compile("\r\n?")
# Controls that are no white space, and format characters that nobody sees: soft hyphens, zero-width
# spaces, byte order marks, marks of direction, tags; halves of surrogate pairs, which no file can
# hold. Those that shape the letters beside them stay
# (joiners, Mongolian vowel separator, Egyptian), and so do those that are drawn (Arabic number
# signs). U+0080-009F stay as well: there they are letters of Windows-1252, decoded wrongly.
HIDDEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    "\ud800-\udfff\ufff9-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001"
    "\U000e0020-\U000e007f]"
)
UNSEEN = re.compile("[\\s\x80-\x9f\u180e\u200c\u200d]+")


def normal_text(text: str) -> str:
    """The text in the form above."""
    return unicodedata.normalize("NFC", HIDDEN.sub("", LINE_END.sub("\n", text)))


def seen_text(text: str) -> str:
    """What is seen of a normal text, without blanks: empty for a blank line, equal for repeats."""
    return UNSEEN.sub("", text)
