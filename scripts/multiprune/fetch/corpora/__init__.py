"""Where texts come from, how they are brought into normal form, dealt to splits and read again."""
