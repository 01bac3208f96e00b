import { chromium } from "@playwright/test";
const b = await chromium.launch({executablePath: "/usr/bin/chromium", args:["--no-sandbox","--disable-gpu"]});
for (const scheme of ["light","dark"]) for (const w of [390,1024,1600]) {
  const p = await b.newPage({viewport:{width:w,height:900},colorScheme:scheme,bypassCSP:true});
  for (const [n,u] of JSON.parse(process.argv[2])) {
    await p.goto("http://127.0.0.1:4999"+u); await p.waitForLoadState("networkidle"); await p.waitForTimeout(400);
    await p.addStyleTag({path:"/work/main/style/components/wave.css"}).catch(e=>console.log(e.message)); await p.waitForTimeout(100); await p.screenshot({path:`/tmp/look2/${n}-${scheme}-${w}.png`, fullPage: w===390});
  }
  await p.close();
}
await b.close();
