"""Makes what a learner wrote safe to show on a page. Markdown may hold any HTML and any link.

A cell is shown as it is, or letter by letter in a block of code. It is never repaired: a filter that takes single tags
out of a text may read the text in one way, and the browser in another.
"""

from __future__ import annotations

import html
import re

_HARMLESS_TAG = re.compile(
    r"</?(?:a|b|i|em|strong|u|s|sub|sup|br|hr|p|code|pre|kbd|blockquote|details|summary|ul|ol|li|dl|dt|dd|h[1-6]"
    r"|table|thead|tbody|tr|th|td|caption)\s*/?>",
    re.IGNORECASE,
)
"""Tags without attributes, of elements that do nothing."""
_TAG = re.compile(r"<(?:[/!?]|[a-z][a-z0-9:-]*(?=[\s/>]|$)|[a-z][^>]*=)", re.IGNORECASE)
"""What a browser takes for a tag. ``$a<b$`` is left out: it makes an element of no known name, which does nothing."""
_SCRIPT_LINK = re.compile(r"script:", re.IGNORECASE)
_LINK_IN_MATH = re.compile(r"\\\s*(?:href|url|require|style|class|cssid|html\w*)\b", re.IGNORECASE)
"""MathJax makes links too, and macros can put their targets together from pieces."""
_PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*")
_UNSEEN = re.compile(r"[\\\s\x00-\x20\x7f-\xa0\xad\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff]+")


def harmless(markdown: str) -> str:
    """The Markdown itself if it holds only plain tags and plain links; else the same text as a block of code."""
    return markdown if _is_harmless(markdown) else literal(markdown)


def literal(text: str) -> str:
    """Markdown that shows a text letter by letter."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x0b", "\n").replace("\x0c", "\n").replace("\0", "")
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}"


def _is_harmless(markdown: str) -> bool:
    if _TAG.search(_HARMLESS_TAG.sub("", markdown)):
        return False
    # A link may be spelt with entities, escapes and characters that a browser passes over.
    plain, before = markdown, ""
    while plain != before:
        before, plain = plain, html.unescape(plain)
    return not _SCRIPT_LINK.search(_UNSEEN.sub("", plain)) and not _LINK_IN_MATH.search(plain)


def harmless_images(attachments: object) -> dict[str, dict[str, str]]:
    """Of a cell's attachments, the pictures."""
    kept: dict[str, dict[str, str]] = {}
    for name, forms in attachments.items() if isinstance(attachments, dict) else ():
        for kind, data in forms.items() if isinstance(forms, dict) else ():
            if kind in _PICTURES and isinstance(data, str) and _BASE64.fullmatch(data):
                kept.setdefault(str(name), {})[kind] = data
    return kept
