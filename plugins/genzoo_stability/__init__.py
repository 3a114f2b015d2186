"""`genzoo stability`: how steadily each family trains, in many short trainings."""
