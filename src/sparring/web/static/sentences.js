// What the library says, in English, and the same in Korean: the coach, recipes, ranges, refusals.
//
// The English sentence is the key, with {names} for its numbers and names; a sentence that is not here stays in English. The tests
// hold the list to the coach's signs, to all recipes and to the refusals of the page.

import { h, note } from "./dom.js";
import { language } from "./strings.js";

const SENTENCES = [
  // the coach
  ["At the end of the run: {rest*}", "학습이 끝난 시점: {rest*}"],
  ["D has won: it gives real samples {real} and generated ones {fake} on average, so G has little to learn from.", "D가 이겼습니다. 평균적으로 진짜 샘플에 {real}, 생성된 샘플에 {fake}을(를) 주므로 G가 배울 것이 거의 없습니다."],
  ["G has won: D gives real samples {real} and generated ones {fake} on average; it cannot tell them apart.", "G가 이겼습니다. D가 평균적으로 진짜 샘플에 {real}, 생성된 샘플에 {fake}을(를) 주어 둘을 구별하지 못합니다."],
  ["The gradients of {side} explode: their norm is {last}, and was {first} at the start.", "{side}의 기울기가 폭발합니다. 노름이 {last}이며, 처음에는 {first}이었습니다."],
  ["G has collapsed: its samples vary {spread} as much as real ones do, so they are nearly one and the same.", "G가 붕괴했습니다. 샘플의 다양성이 진짜의 {spread}에 그쳐 거의 모두 같은 그림입니다."],
  ["G draws flat pictures: their contrast is {contrast} of that of real ones.", "G의 그림이 밋밋합니다. 대비가 진짜의 {contrast}입니다."],
  ["G's output is saturated: its pictures have {contrast} times the contrast of real ones.", "G의 출력이 포화되었습니다. 그림의 대비가 진짜의 {contrast}배입니다."],
  ["D learns its training images by heart: it gives them {train} on average, but {held} to real images that it was never shown.", "D가 학습 이미지를 외웁니다. 학습 이미지에는 평균 {train}을(를) 주지만, 본 적 없는 진짜 이미지에는 {held}을(를) 줍니다."],
  ["G's batch norms disagree: from training to inference its pictures move by {gap} of their spread.", "G의 배치 정규화가 어긋납니다. 학습 때와 추론 때의 그림이 그림들 사이 차이의 {gap}만큼 다릅니다."],
  ["{share} of the samples are of class {class}, where real ones have at most {fair} of any; hardly any are of class {missing}.", "샘플의 {share}가 클래스 {class}에 속합니다. 진짜에서는 어느 클래스도 {fair}를 넘지 않습니다. 거의 없는 클래스: {missing}."],
  ["{share} of the samples are of one class, where real ones have at most {fair} of any.", "샘플의 {share}가 한 클래스에 속합니다. 진짜에서는 어느 클래스도 {fair}를 넘지 않습니다."],
  ["{share} of the samples are of class {class}, where real ones have at most {fair} of any.", "샘플의 {share}가 클래스 {class}에 속합니다. 진짜에서는 어느 클래스도 {fair}를 넘지 않습니다."],
  ["Train longer first (`sparring resume`). {rest*}", "먼저 더 오래 학습하세요(`sparring resume`). {rest*}"],
  ["Give G more moves or D a weaker network; a smaller d_optim.lr gives G time.", "G의 갱신 횟수를 늘리거나 D를 약한 네트워크로 바꾸세요. d_optim.lr을 낮추면 G가 따라잡을 시간이 생깁니다."],
  ["Give D more moves (round.moves) or a stronger network.", "D의 갱신 횟수(round.moves)를 늘리거나 D를 더 강한 네트워크로 바꾸세요."],
  ["Lower optim.lr, to a tenth say; smaller initial weights help as well.", "optim.lr을 10분의 1 정도로 낮추세요. 초기 가중치를 작게 하는 것도 도움이 됩니다."],
  ["Lower optim.lr, use the non-saturating loss, or give D dropout.", "optim.lr을 낮추거나, 비포화 손실을 쓰거나, D에 드롭아웃을 넣으세요."],
  ["See that G's output suits the data ([-1, 1]), and lower g_optim.lr.", "G의 출력 범위가 데이터([-1, 1])와 맞는지 확인하고 g_optim.lr을 낮추세요."],
  ["Use smaller initial weights or a smaller g_optim.lr.", "초기 가중치나 g_optim.lr을 줄이세요."],
  ["Use more images, a weaker D, or dropout in D; stop at the best checkpoint.", "이미지를 더 쓰거나, D를 약하게 하거나, D에 드롭아웃을 넣고, 가장 좋은 체크포인트에서 멈추세요."],
  ["Use a larger bn_momentum or batch_size.", "bn_momentum이나 batch_size를 키우세요."],
  ["A convolutional G, dropout in D, or optim.beta1=0.5 often helps.", "합성곱 G, D의 드롭아웃, optim.beta1=0.5가 도움이 되는 경우가 많습니다."],
  // recipes
  ["A conditional GAN with the networks of flash: G gets the class with z, and D classifies an image given its class.", "flash의 네트워크를 쓰는 조건부 GAN. G는 z와 함께 클래스를 받고, D는 클래스가 주어진 이미지를 판별합니다."],
  ["A small convolutional GAN, both gradients from one forward pass; it needs a GPU, or hours on a CPU.", "작은 합성곱 GAN. 순전파 한 번으로 두 기울기를 구합니다. GPU가 필요하며 CPU로는 몇 시간이 걸립니다."],
  ["Perceptrons with dropout on both sides, and traces of D(x) and D(G(z)) on the test images.", "양쪽에 드롭아웃을 넣은 퍼셉트론. 테스트 이미지에 대한 D(x)와 D(G(z))의 변화를 기록합니다."],
  ["A DCGAN with few multiplications, lazy R1, and a learning rate that decays to 0: digits in a minute of CPU time.", "곱셈을 줄인 DCGAN. R1은 가끔만 적용하고 학습률은 0까지 줄어듭니다. CPU 시간 1분이면 숫자를 그립니다."],
  ["One normal distribution on the line, with plots of the densities and the optimal D; ten seconds of CPU time.", "직선 위의 정규 분포 하나. 밀도와 최적의 D를 그림으로 보여 주며 CPU 시간 10초면 됩니다."],
  ["Twenty-five narrow modes on a grid, with the settings of ring in a plane five times as wide.", "격자 위의 좁은 모드 25개. 다섯 배 넓은 평면에서 ring의 설정을 씁니다."],
  ["InfoGAN with the networks of flash: a categorical code of ten values and two continuous ones, recovered by D; no labels.", "flash의 네트워크를 쓰는 InfoGAN. 값이 10개인 범주형 코드 하나와 연속 코드 둘을 D가 알아맞힙니다. 라벨이 필요 없습니다."],
  ["LSGAN with the networks of flash: D's targets are 1 for real and 0 for generated images, G's target is 1.", "flash의 네트워크를 쓰는 LSGAN. D의 목표는 진짜 1, 생성 이미지 0이고 G의 목표는 1입니다."],
  ["PacGAN2 with the networks of flash: D classifies pairs, both real or both generated, and so detects a lack of variety.", "flash의 네트워크를 쓰는 PacGAN2. D가 둘 다 진짜이거나 둘 다 생성된 쌍을 판별하므로 다양성 부족을 알아챕니다."],
  ["The 2014 paper line by line: wider perceptrons, D before G on the same z.", "2014년 논문을 한 줄씩 그대로 옮겼습니다. 더 넓은 퍼셉트론을 쓰고, 같은 z에서 D 다음에 G를 갱신합니다."],
  ["Your own pictures, of any size and kind, at 64 pixels: a small DCGAN whose augmentation follows the number of pictures.", "크기와 종류에 상관없이 내 그림을 64픽셀로 학습합니다. 그림 수에 맞춰 증강하는 작은 DCGAN입니다."],
  ["Your own pictures at 128 pixels on a GPU: the networks, loss and penalties of R3GAN, the rest as in photo.", "GPU에서 내 그림을 128픽셀로 학습합니다. 네트워크, 손실, 페널티는 R3GAN을, 나머지는 photo를 따릅니다."],
  ["The DCGAN at half its width with small batches and larger steps: digits in about two minutes of CPU.", "너비를 절반으로 줄이고 배치를 작게, 학습률을 크게 한 DCGAN. CPU로 약 2분이면 숫자를 그립니다."],
  ["R3GAN at a laptop's size: relativistic pairing, R1 and R2 in every round, residual networks without normalisation.", "노트북 크기의 R3GAN. 상대론적 쌍 손실, 라운드마다 주는 R1과 R2, 정규화 없는 잔차 네트워크를 씁니다."],
  ["Eight narrow modes on a circle; the generator finds all, with nearly the right widths and shares.", "원 위의 좁은 모드 8개. 생성자가 모두 찾아내며 너비와 비율도 거의 맞습니다."],
  ["A GAN conditioned on clusters of the training images, with the networks of flash: the gain of classes without labels.", "flash의 네트워크를 쓰고 학습 이미지의 군집을 조건으로 받는 GAN. 라벨 없이 클래스의 이점을 얻습니다."],
  ["The grid on clusters found without labels: all modes with nearly the right widths, in an eighth of the rounds.", "라벨 없이 찾은 군집을 조건으로 받는 grid. 라운드 수의 8분의 1로, 모든 모드를 거의 알맞은 너비로 그립니다."],
  ["SNGAN: residual networks, the hinge loss, and every layer of D divided by its spectral norm; small enough for a CPU.", "SNGAN. 잔차 네트워크와 힌지 손실을 쓰고 D의 모든 층을 스펙트럼 노름으로 나눕니다. CPU로도 충분한 크기입니다."],
  ["Stacked MNIST, three digits as three channels, with the settings of flash and wider networks.", "숫자 셋을 세 채널로 쌓은 Stacked MNIST. flash의 설정에 더 넓은 네트워크를 씁니다."],
  ["A wide convolutional D with label smoothing against a G that upsamples; one D move, then five of G.", "라벨 평활화를 쓰는 넓은 합성곱 D와 업샘플링하는 G. D를 한 번, G를 다섯 번 갱신합니다."],
  ["Two perceptrons with one hidden layer each, in TensorFlow 1's arithmetic; 100 epochs in minutes on a laptop.", "은닉층이 하나씩인 퍼셉트론 둘. TensorFlow 1의 계산 방식을 따르며, 노트북에서 몇 분이면 100에폭을 마칩니다."],
  ["WGAN-GP with the networks of flash: five moves of the critic for one of G, with a gradient penalty in each.", "flash의 네트워크를 쓰는 WGAN-GP. G를 한 번 갱신할 때 비평자를 기울기 페널티와 함께 다섯 번 갱신합니다."],
  // ranges
  ["{rest*}, or null", "{rest*} 또는 null"],
  ["{low} to {high} numbers, each {rest*}", "숫자 {low}~{high}개, 각각 {rest*}"],
  ["at most {most} numbers, each {rest*}", "숫자 최대 {most}개, 각각 {rest*}"],
  ["{low} to {high} items", "{low}~{high}개"],
  ["at most {most} items", "최대 {most}개"],
  ["at least {least}", "{least} 이상"],
  ["at most {most}", "{most} 이하"],
  ["above {least}", "{least} 초과"],
  ["below {most}", "{most} 미만"],
  ["between {low} and {high}", "{low} 초과 {high} 미만"],
  ["in {range}", "{range} 범위"],
  ["finite", "유한한 수"],
  ["one or more numbers, each {rest*}", "숫자 하나 이상, 각각 {rest*}"],
  ["a whole number of at least 0", "0 이상의 정수"],
  ["a whole number in {range}", "{range} 범위의 정수"],
  ["a whole number", "정수"],
  ["a number", "수"],
  ["true or false", "true 또는 false"],
  ["one of {choices}", "{choices} 중 하나"],
  ["a name from the list", "목록에 있는 이름"],
  ["a short text", "짧은 텍스트"],
  // refusals
  ["{name} is {value}; it must be {rest*} and finite", "{name}에 {value} 값은 쓸 수 없습니다. 조건: 유한한 수, {rest*}"],
  ["{name} is {value}; it must be {rest*}", "{name}에 {value} 값은 쓸 수 없습니다. 조건: {rest*}"],
  ["{name} is {value}; it must lie {rest*}", "{name}에 {value} 값은 쓸 수 없습니다. 조건: {rest*}"],
  ["{unit} is {value}; a length is a number above 0 of {units}", "{unit}에 {value} 값은 쓸 수 없습니다. 길이는 0보다 큰 수이며 단위는 {units}입니다."],
  ["there is no setting {name}", "설정 {name}은(는) 없습니다."],
  ["unknown setting {name}; did you mean {others}?", "설정 {name}은(는) 없습니다. 비슷한 이름: {others}"],
  ["unknown {kind} {name}; the choices are {choices}", "{kind}에 {name}은(는) 없습니다. 선택할 수 있는 값: {choices}"],
  ["{name} cannot be set from the page; start the server with --data-root, and choose a folder there", "{name}은(는) 이 화면에서 정할 수 없습니다. 서버를 --data-root와 함께 시작하고 그 안의 폴더를 고르세요."],
  ["there is no run {run} to start from", "시작점으로 삼을 실행 {run}이(가) 없습니다."],
  ["{run} has kept no checkpoint {name}", "{run}에는 체크포인트 {name}이(가) 남아 있지 않습니다."],
  ["this page shows one run alone; `sparring play FOLDER` shows a folder, where others can start", "이 화면은 실행 하나만 보여 줍니다. `sparring play 폴더` 로 폴더를 열면 새 학습을 시작할 수 있습니다."],
  ["{count} trainings are under way; wait until one has ended", "학습 {count}개가 진행 중입니다. 하나가 끝날 때까지 기다리세요."],
  ["the drawing process has ended; the terminal of `sparring play` shows why", "그림을 그리는 프로세스가 종료되었습니다. 이유는 `sparring play` 를 실행한 터미널에 나옵니다."],
  ["open the address that `sparring play` has printed; it holds the token", "`sparring play` 가 출력한 주소를 여세요. 토큰이 들어 있습니다."],
  ["the server met an error; its terminal shows it", "서버에 오류가 났습니다. 내용은 서버를 실행한 터미널에 나옵니다."],
  ["there is no such run or generator", "그런 실행이나 생성자가 없습니다."],
  ["there is no class {class}; the generator has {num}", "클래스 {class}은(는) 없습니다. 생성자에는 {num}개가 있습니다."],
  ["this search is over; begin another", "이 탐색은 끝났습니다. 새로 시작하세요."],
  ["this generator draws no pictures", "이 생성자는 그림을 그리지 않습니다."],
  ["there is no such run", "그런 실행이 없습니다."],
  ["there is no such picture", "그런 그림이 없습니다."],
];

const PATTERNS = SENTENCES.map(([english, korean]) => [pattern(english), korean]);

// A sentence of the library in the page's language; one that has to stay in English says so to screen readers.
export function sentence(tag, text) {
  const korean = language() === "ko" ? inKorean(text) : null;
  return h(tag, { lang: korean === null ? "en" : null }, korean ?? text);
}

// Why the server has refused something, as a line under a form.
export function refusal(error) {
  return note("bad", sentence("span", error.message));
}

function inKorean(text) {
  for (const [english, korean] of PATTERNS) {
    const found = english.exec(text);
    if (found) return korean.replace(/\{(\w+\*?)\}/g, (_, name) => part(name, found.groups));
  }
  return null;
}

// {rest*} is a sentence itself.
function part(name, groups) {
  return name.endsWith("*") ? (inKorean(groups[name.slice(0, -1)]) ?? groups[name.slice(0, -1)]) : groups[name];
}

function pattern(english) {
  const literal = english.replace(/[.*+?^$()|[\]\\]/g, "\\$&");
  return new RegExp(`^${literal.replace(/\{(\w+)(?:\\\*)?\}/g, "(?<$1>.+?)")}$`);
}
