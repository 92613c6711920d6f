import { Job } from 'resque-runtime'

/** Says hello: `npx runtime enqueue HelloJob '"world"' --wait` */
export class HelloJob extends Job {
  static queue = 'default'
  static keepResult = '1h'

  async perform(name) {
    this.log(`greeting ${name}`)
    return `hello ${name}, from process ${process.pid}`
  }
}
