"""Whether pictures show what their captions say."""
