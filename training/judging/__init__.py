"""Opens the test part, once, and writes what it found.

`verdict.py` measures the pretrained and the trained model on the test part and says whether the new one is better;
`out_of_fold.py` judges a closed form on all labelled photos instead. `identification_shares.py` measures how well
photos are named before and after, `thresholds.py` what a distance means under the new model; `examples.py` and
`report_data.py` keep what is shown of the test part. `result.py` is all that came of a training; `checkpoint.py` writes
it to disk with the model, `record.py` reads it back, and `model_card.py` tells it to people. Read `verdict.py` first.

Nothing here trains or chooses: what the test part says changes no weight and no setting.
"""
