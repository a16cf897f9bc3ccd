"""A sentence in the course's two languages. It imports nothing, so that everybody may say something."""

from __future__ import annotations

from typing import NamedTuple


class Text(NamedTuple):
    """A sentence for the learner in the course's two languages; or a template of one, with ``{placeholders}``."""

    en: str
    zh: str

    def format(self, **values: object) -> Text:
        """The template filled in. A value that is itself a `Text` is said in each language in its own words."""

        def those(language: str) -> dict[str, object]:
            return {
                name: getattr(value, language) if isinstance(value, Text) else value for name, value in values.items()
            }

        return Text(self.en.format(**those("en")), self.zh.format(**those("zh")))
