"""The report's sections, one a file. Adding a file that holds a :class:`~fastsym.report.study.Study` adds a section."""

from dataclasses import replace
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from fastsym.report.content import Section
from fastsym.report.study import Context, Study


def studies() -> list[Study[Any]]:
    """List the study of every file of this folder, in the order in which their sections are read."""
    found: list[Study[Any]] = [import_module(f"{__name__}.{module.name}").STUDY for module in iter_modules(__path__)]
    return sorted(found, key=lambda study: study.order)


def sections_of(context: Context) -> list[Section]:
    """Run all studies that apply to the table, then make the sections of those that have something to show."""
    chosen = [
        study
        for study in studies()
        if (context.own is None or not study.only_titanic) and (study.in_lesson or not context.settings.only_lesson)
    ]
    context.expected_seconds = sum(study.seconds for study in chosen)
    # The quick ones first, so that a file that cannot be read is named before any work.
    for study in sorted(chosen, key=lambda study: study.seconds):
        context.result(study)
    made = ((study, study.render(context.result(study), context)) for study in chosen)
    return [replace(section, in_lesson=study.in_lesson) for study, section in made if section is not None]
