export { catalogue } from './catalogueInGerman';
export { de as texts } from './de';
