"""A sentence in the course's two languages. It imports nothing, so that everybody may say something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema


def writable(text: str) -> str:
    """The text with escapes for what no file takes: halves of characters, as names of files have them.

    A byte of a name that is no UTF-8 becomes ``\\udcXX``.
    """
    return text.encode("utf-8", "backslashreplace").decode()


class Text(NamedTuple):
    """A sentence for the learner in the course's two languages; or a template of one, with ``{placeholders}``."""

    en: str
    zh: str

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """In JSON it is a string, in the language that is asked for. Read back, it says the same in both."""
        from pydantic import AfterValidator, PlainSerializer

        read = AfterValidator(lambda said: cls(said, said))
        written = PlainSerializer(lambda text, info: writable(getattr(text, info.context["language"])), return_type=str)
        return handler.generate_schema(Annotated[str, read, written])

    def format(self, **values: object) -> Text:
        """The template filled in. A value that is itself a `Text` is said in each language in its own words."""

        def those(language: str) -> dict[str, object]:
            return {
                name: getattr(value, language) if isinstance(value, Text) else value for name, value in values.items()
            }

        return Text(self.en.format(**those("en")), self.zh.format(**those("zh")))
