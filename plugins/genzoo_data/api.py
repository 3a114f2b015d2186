"""What other plugins may use of this one."""

from genzoo_core.text import many
from genzoo_data.command import parse_columns
from genzoo_data.proposal import propose, shape_text
from genzoo_data.survey import Survey, find_data, survey

__all__ = ["Survey", "find_data", "many", "parse_columns", "propose", "shape_text", "survey"]
