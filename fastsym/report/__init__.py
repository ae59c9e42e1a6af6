"""The report: ``python -m fastsym.report`` trains, certifies, measures and writes figures, tables and one HTML page.

A section of it is a :class:`~fastsym.report.study.Study`, which runs something and shows what came out; each is one
file of :mod:`~fastsym.report.sections`, and adding a file adds a section. Studies reach each other's results, settings
and tables by a :class:`~fastsym.report.study.Context`. :mod:`~fastsym.report.style` draws,
:mod:`~fastsym.report.page` renders and :mod:`~fastsym.report.folder` puts the files in place.
"""
