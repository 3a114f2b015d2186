"""How steadily each family trains: many short trainings, measured and compared."""
