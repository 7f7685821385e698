"""A puppet that acts out the vocabulary, for views and ways of acting that no recorded clip shows.

`body` holds the person and their kinematics; `gestures`, `whole_body`, `exercises`, `sports` and
`pairs` hold the actions; `clips` performs and films them.
"""
