"""The report: ``python -m fastsym.report`` trains, certifies, measures and writes figures, tables and one HTML page.

Two halves that meet in ``__main__``. :mod:`~fastsym.report.collect` is the door: it may train and measure, and
gives a :class:`~fastsym.report.collect.Results`. Everything else only reads results:
:mod:`~fastsym.report.sections` turns them into findings, :mod:`~fastsym.report.style` draws,
:mod:`~fastsym.report.page` renders and :mod:`~fastsym.report.folder` puts the files in place.

To add a section, write ``def name(results: Results) -> Section`` in a file of ``sections/`` and list it in
``sections.SECTIONS``.
"""
