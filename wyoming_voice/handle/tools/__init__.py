"""What can be done for a language model: by whom, under which names, with which arguments."""
