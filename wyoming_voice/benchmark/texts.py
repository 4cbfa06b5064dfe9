"""What is spoken and asked when nothing else is named."""

SENTENCE = "one short sentence"
LONGEST = "three sentences"
TEXTS = {
    SENTENCE: "The kitchen light is on.",
    "one long sentence": (
        "The forecast for tomorrow is sunny in the morning, with some clouds after lunch and a light "
        "wind from the west, and in the evening there may be a shower."
    ),
    LONGEST: (
        "I have found two recipes for you. The first one is a soup of lentils and carrots, which takes "
        "about forty minutes. The second one is a salad, and it is ready in ten."
    ),
}
QUESTION = "What time is it?"
