"""The commands of genzoo itself, as data."""

from __future__ import annotations

BUILTIN = {
    "list": ("genzoo.cli.list:list_", "Show the models that are installed."),
    "info": ("genzoo.cli.info:info", "Show what is known of a model."),
    "run": ("genzoo.cli.run:run", "Make pictures."),
    "encode": ("genzoo.cli.encode:encode", "Turn pictures into latents."),
    "decode": ("genzoo.cli.decode:decode", "Turn latents into pictures."),
    "export": ("genzoo.cli.export:export", "Write a model to one file."),
    "add": ("genzoo.cli.add:add", "Put a model into your own list."),
    "rm": ("genzoo.cli.add:rm", "Take a model out of your own list."),
    "plugins": ("genzoo.cli.plugins:plugins", "Show the plugins that are installed."),
    "doctor": ("genzoo.cli.doctor.command:doctor", "Look whether genzoo works here."),
    "completion": ("genzoo.cli.completion:completion", "Print a shell's completion script."),
}
"""Target and help line of each command of genzoo itself. Plugins cannot take these names."""
