import { Job } from 'resque-runtime'
import { note, stay } from '../../../programs/note.mjs'

export class Note extends Job {
  static queue = 'bench'
  perform(mark) {
    note(mark)
  }
}

/** A step of a workflow, whose arguments are its params. */
export class Step extends Job {
  static queue = 'bench'
  perform({ mark }) {
    note(mark)
  }
}

export class Stay extends Job {
  static queue = 'bench'
  async perform() {
    await stay()
  }
}
