"""The completion indexes of an Indexed Job, as its status writes them."""


def parse_indexes(text: str) -> list[int]:
    """`1,3-5,7` as numbers."""
    numbers: list[int] = []
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        numbers += range(int(first), int(last or first) + 1)
    return numbers


def format_indexes(numbers: set[int]) -> str:
    """Numbers as `1,3-5,7`: only three and more in a row become a range, as the real one writes them."""
    parts: list[str] = []
    row: list[int] = []
    for number in [*sorted(numbers), None]:
        if row and number != row[-1] + 1:
            parts += [f"{row[0]}-{row[-1]}"] if len(row) > 2 else [str(each) for each in row]
            row = []
        if number is not None:
            row.append(number)
    return ",".join(parts)
