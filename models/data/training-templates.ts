/**
 * The sentences that a class name is put into while training. Short, because small text towers read few tokens; varied
 * in what they say about the picture, so that the name is what the text tower must hold on to. Articles are not adapted
 * to the name ("a photo of a apple"): prompts at inference are filled in literally too.
 */
export const TRAINING_TEMPLATES: readonly string[] = [
  'a photo of a {}',
  'a photo of the {}',
  'a photo of {}',
  'a photo of one {}',
  'a photo of my {}',
  'a photo of some {}',
  'a picture of a {}',
  'a picture of the {}',
  'a picture of some {}',
  'an image of a {}',
  'an image of {}',
  'a blurry photo of a {}',
  'a blurry photo of the {}',
  'a low resolution photo of a {}',
  'a small photo of the {}',
  'a good photo of a {}',
  'a bad photo of the {}',
  'a bright photo of a {}',
  'a dark photo of the {}',
  'a cropped photo of a {}',
  'a close-up of a {}',
  'a close-up photo of the {}',
  'a snapshot of a {}',
  'a view of the {}',
  'a large {}',
  'a small {}',
  'the {}',
  'this is a {}',
  'there is a {} in the picture',
  'a {} in a photo',
  'a photo with a {}',
  'a type of {}',
];
