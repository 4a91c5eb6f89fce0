"""What people say of answers: the arena, grades, guidelines, and how far judges agree."""
