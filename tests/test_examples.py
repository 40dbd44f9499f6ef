from bot.voice import Prompt, Turn
from trainer.data.examples import to_example


def test_an_example_asks_as_the_bot_will() -> None:
    prompt = Prompt(system="Be her.", user="About {topic}, please", no_topic="anything")
    assert to_example(prompt, ["fog", "Port Almond"], "It is fog.") == {
        "messages": [
            {"role": "system", "content": "Be her."},
            {"role": "user", "content": "About fog, Port Almond, please"},
            {"role": "assistant", "content": "It is fog."},
        ]
    }


def test_a_post_without_a_topic_answers_the_question_for_anything() -> None:
    messages = to_example(Prompt(), [], "Hm.")["messages"]
    assert messages[:2] == Prompt().messages(Turn())
