"""HTML pages from Jinja2 templates, with autoescape and strict variables.

Input: a package with a folder ``templates``, the name of a template, variables. Output: the page.
"""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined


def render_page(package: str, template: str, **variables: object) -> str:
    """The template ``hmer_cli/PACKAGE/templates/TEMPLATE`` with its variables filled in."""
    return _environment(package).get_template(template).render(**variables)


@cache
def _environment(package: str) -> Environment:
    return Environment(
        loader=PackageLoader(f"hmer_cli.{package}"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
