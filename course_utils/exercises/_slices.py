"""Which cells an exercise needs: the trainings of a chapter rarely are among them."""

import ast

ANY = "*"


def needed(steps):
    """Return which steps have to be executed for the sake of others.

    A step is needed if a later one uses a name that it binds, or one whose item or attribute it
    sets. What a call does to the objects that it is given is not seen.

    Parameters
    ----------
    steps : sequence of (str, bool, set of str)
        Code, whether it is executed in any case, and names that are wanted at this place.

    Returns
    -------
    list of bool
    """
    wanted, found = set(), []
    for source, always, names in reversed(steps):
        wanted |= names
        binds, loads = names_of(source)
        keep = always or bool(binds & wanted) or ANY in wanted
        if keep:
            wanted |= loads
        found.append(keep)
    return found[::-1]


def names_of(source):
    """Return the names that code binds or changes, and those that it uses.

    Parameters
    ----------
    source : str

    Returns
    -------
    set of str, set of str
        The latter is `ANY` where the code is more than Python, such as ``%%time``.
    """
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set(), {ANY}
    binds, loads = set(), set()
    for node in nodes:
        if isinstance(node, ast.Name):
            (loads if isinstance(node.ctx, ast.Load) else binds).add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            binds.add(node.name)
        elif isinstance(node, ast.alias):
            binds.add(node.asname or node.name.partition(".")[0])
        elif isinstance(node, (ast.Subscript, ast.Attribute)) and isinstance(node.ctx, ast.Store):
            base = node.value
            while isinstance(base, (ast.Subscript, ast.Attribute)):
                base = base.value
            if isinstance(base, ast.Name):
                binds.add(base.id)
    return binds, loads
