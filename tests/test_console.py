"""What the commands share on a terminal."""

from io import StringIO

from rich.console import Console

from fastsym._console import markdown_row, progress_bar, stop


def test_progress_is_plain_lines_without_a_terminal() -> None:
    stream = StringIO()
    with progress_bar(False, console=Console(file=stream)) as tell:
        tell(0.0, "half [red]way")
        tell(0.5, "half [red]way")
    assert stream.getvalue() == "  0%  half [red]way\n 50%  half [red]way\n"


def test_lines_of_work_that_reports_often_are_spaced_and_say_the_time_left() -> None:
    stream, now = StringIO(), [100.0]
    with progress_bar(False, 5.0, Console(file=stream), lambda: now[0]) as tell:
        tell(0.2, "resumed")
        for second in range(1, 17):
            now[0] = 100.0 + second
            tell((4 + second) / 20, f"{second} s")
    assert stream.getvalue().splitlines() == [
        " 20%  resumed",
        " 45%  5 s, 0:00:11 left",
        " 70%  10 s, 0:00:06 left",
        " 95%  15 s, 0:00:01 left",
        "100%  16 s",
    ]


def test_progress_is_a_bar_on_a_terminal() -> None:
    stream = StringIO()
    with progress_bar(False, console=Console(file=stream, force_terminal=True)) as tell:
        tell(0.5, "half [red]way")
    assert "\x1b" in stream.getvalue()
    assert "[red]" in stream.getvalue()


def test_quiet_shows_nothing() -> None:
    stream = StringIO()
    with progress_bar(True, console=Console(file=stream)) as tell:
        tell(0.5, "half way")
    assert stream.getvalue() == ""


def test_a_markdown_row_has_no_other_markup_than_its_cells() -> None:
    assert markdown_row(["a|b", "x_1 <b>\n*c*"]) == r"| a\|b | x\_1 \<b\> \*c\* |"


def test_what_the_system_refuses_is_said_with_its_place(capsys):
    for error, said in (
        (PermissionError(13, "Permission denied", "/a/b"), "error: /a/b: Permission denied; "),
        (OSError(28, "No space left on device"), "error: No space left on device; "),
        (OSError("out: expected a folder; got a file"), "error: out: expected a folder; got a file\n"),
    ):
        assert stop(error).exit_code == 2
        assert capsys.readouterr().err.startswith(said)
